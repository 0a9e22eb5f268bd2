//! Markdown as runbooks use it, as HTML.
//!
//! Headings, paragraphs, lists (nested, with blocks in items), fenced code, quotes, tables, rules; in text `code`,
//! **strong**, *emphasis* and links. Anything else stays as it was written.

use crate::text::Html;

pub(super) fn render(markdown: &str) -> Html {
    let lines: Vec<&str> = markdown.lines().collect();
    let mut html = Html::default();
    blocks(&lines, &mut html);
    html
}

/// The text of the first heading.
pub(super) fn title(markdown: &str) -> Option<&str> {
    markdown.lines().find_map(heading).map(|(_, text)| text)
}

fn blocks(lines: &[&str], html: &mut Html) {
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        rest = if line.trim().is_empty() {
            after
        } else if let Some((level, text)) = heading(line) {
            let (open, close) = HEADINGS[level - 1];
            html.raw(open);
            inline(text, html);
            html.raw(close);
            after
        } else if let Some(fence) = fence(line) {
            code(fence, after, html)
        } else if is_rule(line) {
            html.raw("<hr>\n");
            after
        } else if line.starts_with('>') {
            quote(rest, html)
        } else if line.starts_with('|') && after.first().is_some_and(|next| is_table_rule(next)) {
            table(rest, html)
        } else if let Some((marker, _)) = item(line) {
            list(marker, rest, html)
        } else {
            paragraph(rest, html)
        };
    }
}

const HEADINGS: [(&str, &str); 6] = [
    ("<h1>", "</h1>\n"),
    ("<h2>", "</h2>\n"),
    ("<h3>", "</h3>\n"),
    ("<h4>", "</h4>\n"),
    ("<h5>", "</h5>\n"),
    ("<h6>", "</h6>\n"),
];

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let text = line[level..].strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, text.trim()))
}

fn fence(line: &str) -> Option<&'static str> {
    ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence))
}

fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 3 && ["-", "*", "_"].iter().any(|mark| line.replace(mark, "").is_empty())
}

fn code<'a, 'b>(fence: &str, lines: &'a [&'b str], html: &mut Html) -> &'a [&'b str] {
    let end = lines.iter().position(|line| line.trim() == fence).unwrap_or(lines.len());
    html.raw("<pre><code>");
    for line in &lines[..end] {
        html.text(line).raw("\n");
    }
    html.raw("</code></pre>\n");
    lines.get(end + 1..).unwrap_or_default()
}

fn quote<'a, 'b>(lines: &'a [&'b str], html: &mut Html) -> &'a [&'b str] {
    let end = lines.iter().position(|line| !line.starts_with('>')).unwrap_or(lines.len());
    let bare = |line: &&'b str| {
        let line = line.strip_prefix('>').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line)
    };
    html.raw("<blockquote>\n");
    blocks(&lines[..end].iter().map(bare).collect::<Vec<_>>(), html);
    html.raw("</blockquote>\n");
    &lines[end..]
}

fn is_table_rule(line: &str) -> bool {
    line.starts_with('|') && line.contains('-') && line.chars().all(|c| "|-: ".contains(c))
}

fn table<'a, 'b>(lines: &'a [&'b str], html: &mut Html) -> &'a [&'b str] {
    let end = lines.iter().position(|line| !line.starts_with('|')).unwrap_or(lines.len());
    html.raw("<table>\n");
    row(lines[0], "<th>", "</th>", html);
    for line in &lines[2..end] {
        row(line, "<td>", "</td>", html);
    }
    html.raw("</table>\n");
    &lines[end..]
}

fn row(line: &str, open: &'static str, close: &'static str, html: &mut Html) {
    html.raw("<tr>");
    for cell in line.trim().trim_matches('|').split('|') {
        html.raw(open);
        inline(cell.trim(), html);
        html.raw(close);
    }
    html.raw("</tr>\n");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Bullet,
    Number,
}

/// The marker of a list item and its width, blanks included.
fn item(line: &str) -> Option<(Marker, usize)> {
    if line.starts_with("- ") || line.starts_with("* ") {
        return Some((Marker::Bullet, 2));
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = (1..=9).contains(&digits) && line[digits..].starts_with(". ");
    numbered.then_some((Marker::Number, digits + 2))
}

fn list<'a, 'b>(marker: Marker, lines: &'a [&'b str], html: &mut Html) -> &'a [&'b str] {
    let (open, close) = match marker {
        Marker::Bullet => ("<ul>\n", "</ul>\n"),
        Marker::Number => ("<ol>\n", "</ol>\n"),
    };
    html.raw(open);
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first()
        && let Some((same, width)) = item(line)
        && same == marker
    {
        let end = after.iter().position(|line| !line.starts_with("  ") && !line.trim().is_empty());
        let (more, next) = after.split_at(end.unwrap_or(after.len()));
        let mut content = vec![&line[width..]];
        content.extend(more.iter().map(|line| {
            let blanks = line.bytes().take_while(|byte| *byte == b' ').count();
            &line[blanks.min(width)..]
        }));
        html.raw("<li>");
        if content[1..].iter().all(|line| line.trim().is_empty()) {
            inline(content[0], html);
        } else {
            blocks(&content, html);
        }
        html.raw("</li>\n");
        rest = next;
    }
    html.raw(close);
    rest
}

fn paragraph<'a, 'b>(lines: &'a [&'b str], html: &mut Html) -> &'a [&'b str] {
    let ends = |line: &&str| {
        line.trim().is_empty()
            || heading(line).is_some()
            || fence(line).is_some()
            || item(line).is_some()
            || line.starts_with('>')
    };
    let end = lines.iter().skip(1).position(ends).map_or(lines.len(), |index| index + 1);
    let text: Vec<&str> = lines[..end].iter().map(|line| line.trim()).collect();
    html.raw("<p>");
    inline(&text.join("\n"), html);
    html.raw("</p>\n");
    &lines[end..]
}

fn inline(text: &str, html: &mut Html) {
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[', '\\']) {
        html.text(&rest[..at]);
        rest = &rest[at..];
        rest = span(rest, html).unwrap_or_else(|| {
            html.text(&rest[..1]);
            &rest[1..]
        });
    }
    html.text(rest);
}

/// Writes the span that the text begins with, if it begins with one, and gives what follows it.
fn span<'a>(text: &'a str, html: &mut Html) -> Option<&'a str> {
    if let Some(after) = text.strip_prefix('`') {
        let (code, after) = after.split_once('`')?;
        html.raw("<code>").text(code).raw("</code>");
        return Some(after);
    }
    if let Some(after) = text.strip_prefix('\\') {
        let escaped = after.chars().next().filter(char::is_ascii_punctuation)?;
        html.text(&after[..escaped.len_utf8()]);
        return Some(&after[escaped.len_utf8()..]);
    }
    if let Some(after) = text.strip_prefix('[') {
        let (label, after) = after.split_once("](")?;
        let (target, after) = after.split_once(')')?;
        if !is_harmless(target) {
            return None;
        }
        html.raw("<a href=\"").text(target).raw("\">");
        inline(label, html);
        html.raw("</a>");
        return Some(after);
    }
    let (mark, open, close) = match text.strip_prefix("**") {
        Some(_) => ("**", "<strong>", "</strong>"),
        None => ("*", "<em>", "</em>"),
    };
    let (inner, after) = text.strip_prefix(mark)?.split_once(mark)?;
    // `2 * 3 * 4` is no emphasis.
    if inner.is_empty() || inner.starts_with(' ') || inner.ends_with(' ') {
        return None;
    }
    html.raw(open);
    inline(inner, html);
    html.raw(close);
    Some(after)
}

/// Web addresses and places on this server; nothing that runs.
fn is_harmless(target: &str) -> bool {
    ["https://", "http://", "/", "#"].iter().any(|start| target.starts_with(start)) || !target.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(markdown: &str, expect: &str) {
        assert_eq!(render(markdown).into_string().replace('\n', ""), expect);
    }

    #[test]
    fn blocks_are_drawn() {
        check("", "");
        check("# A `b`\n\ntext\nmore", "<h1>A <code>b</code></h1><p>textmore</p>");
        check("###### six", "<h6>six</h6>");
        check("#no", "<p>#no</p>");
        check("####### seven", "<p>####### seven</p>");
        check("a\n## b", "<p>a</p><h2>b</h2>");
        check("---", "<hr>");
        check(
            "```promql\nup == 0 # <x>\n```\nafter",
            "<pre><code>up == 0 # &lt;x&gt;</code></pre><p>after</p>",
        );
        check("```\nopen", "<pre><code>open</code></pre>");
        check("> a\n> b\n\nc", "<blockquote><p>ab</p></blockquote><p>c</p>");
        check(
            "| a | b |\n|---|:-:|\n| 1 | `2` |\nx",
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td><code>2</code></td></tr></table><p>x</p>",
        );
        check("| a |", "<p>| a |</p>");
    }

    #[test]
    fn lists_are_drawn() {
        check("- a\n- b\n\nc", "<ul><li>a</li><li>b</li></ul><p>c</p>");
        check("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>");
        check("text\n- a", "<p>text</p><ul><li>a</li></ul>");
        check("- a\n1. b", "<ul><li>a</li></ul><ol><li>b</li></ol>");
        check("- a\n  more", "<ul><li><p>amore</p></li></ul>");
        check("- a\n  - b\n- c", "<ul><li><p>a</p><ul><li>b</li></ul></li><li>c</li></ul>");
        check(
            "1. a\n\n   ```\n   x\n     y\n   ```",
            "<ol><li><p>a</p><pre><code>x  y</code></pre></li></ol>",
        );
        check("-a", "<p>-a</p>");
    }

    #[test]
    fn spans_are_drawn_and_everything_is_escaped() {
        check("**a** *b* `*c*` a_b_c", "<p><strong>a</strong> <em>b</em> <code>*c*</code> a_b_c</p>");
        check("2 * 3 * 4", "<p>2 * 3 * 4</p>");
        check("`open *open [open", "<p>`open *open [open</p>");
        check("\\*a\\* \\`", "<p>*a* `</p>");
        check("[a *b*](/x?y=1&z)", "<p><a href=\"/x?y=1&amp;z\">a <em>b</em></a></p>");
        check("[a](https://x.example/#y)", "<p><a href=\"https://x.example/#y\">a</a></p>");
        check("[a](other.md)", "<p><a href=\"other.md\">a</a></p>");
        check("[a](javascript:alert)", "<p>[a](javascript:alert)</p>");
        check("[a](/\"onclick=\"x)", "<p><a href=\"/&quot;onclick=&quot;x\">a</a></p>");
        check("<b>&\"'</b> é中", "<p>&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt; é中</p>");
    }

    #[test]
    fn the_title_is_the_first_heading() {
        assert_eq!((title("x\n## A\n# B"), title("none")), (Some("A"), None));
    }
}
