//! HTML under construction: markup is written in this program, everything else is escaped.

use std::fmt::{self, Write as _};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Html(String);

impl Html {
    pub fn new() -> Self {
        Self::default()
    }

    /// Markup of this program.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text for an element or a quoted attribute. What HTML does not allow in a text is shown as `�`.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\t' | '\n' => self.0.push(c),
                c if is_unsafe(c) => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// A number, or what else prints no markup: it is escaped all the same.
    pub fn show(&mut self, value: impl fmt::Display) -> &mut Self {
        self.text(&value.to_string())
    }

    /// A share as a percentage of at most two decimals.
    pub fn percent(&mut self, share: f64) -> &mut Self {
        let share = if share.is_finite() { share.clamp(-10.0, 10.0) } else { 0.0 };
        let rounded = (share * 10_000.0).round() / 100.0;
        // A negative zero would be written with its sign.
        write!(self.0, "{}%", rounded + 0.0).expect("a string takes everything");
        self
    }

    pub fn html(&mut self, html: &Self) -> &mut Self {
        self.0.push_str(&html.0);
        self
    }

    /// Data for a script: JSON in an element that no browser runs.
    pub fn data(&mut self, class: &'static str, json: &serde_json::Value) -> &mut Self {
        self.raw("<script type=\"application/json\" class=\"").raw(class).raw("\">");
        // The end of the element must not come from within.
        let text = json.to_string().replace('<', "\\u003c").replace("-->", "--\\u003e");
        self.0.extend(text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }));
        self.raw("</script>")
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_string(self) -> String {
        self.0
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Path data, which this program made of numbers.
    pub fn path(&mut self, data: &str) -> &mut Self {
        debug_assert!(data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -.".contains(&byte)));
        self.0.push_str(data);
        self
    }
}

/// Control characters, and those that turn the direction of a text around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(Html::new().text(text).as_str(), expect);
    }

    #[test]
    fn texts_are_escaped() {
        check("<script>alert(\"&'\")</script>", "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;");
        check("a\u{0}b\u{1b}[31m\r\u{202e}c\u{7f}", "a\u{fffd}b\u{fffd}[31m\u{fffd}\u{fffd}c\u{fffd}");
        check("ünï 🚀\n", "ünï 🚀\n");
    }

    #[test]
    fn data_cannot_end_its_element() {
        let mut html = Html::new();
        html.data("x", &serde_json::json!("</script><!--"));
        assert_eq!(
            html.as_str(),
            "<script type=\"application/json\" class=\"x\">\"\\u003c/script>\\u003c!--\"</script>"
        );
    }

    #[test]
    fn shares_are_short() {
        for (share, expect) in
            [(0.0, "0%"), (1.0 / 3.0, "33.33%"), (1.0, "100%"), (-0.0, "0%"), (f64::NAN, "0%")]
        {
            assert_eq!(Html::new().percent(share).as_str(), expect);
        }
    }
}
