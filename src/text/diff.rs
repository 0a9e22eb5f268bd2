//! What differs between two texts, line by line (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).

/// Lines that differ, with some around them that do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// The first line in the old text and in the new one, from 1.
    pub old_line: usize,
    pub new_line: usize,
    /// Without their line ends.
    pub lines: Vec<(Change, &'a str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Removed,
    Added,
}

/// Beyond so many differing lines the rest is shown as replaced as a whole, which bounds time and memory.
const MAX_EDITS: usize = 1000;

/// The hunks between two texts; `context` lines around each difference are shown.
pub fn diff<'a>(old: &'a str, new: &'a str, context: usize) -> Vec<Hunk<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let script = script(&old, &new);
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    let (mut old_line, mut new_line, mut shown_until) = (1, 1, 0);
    for (index, (change, line)) in script.iter().enumerate() {
        let near = |step: &(Change, &str)| step.0 != Change::Same;
        let from = index.saturating_sub(context);
        let to = (index + context + 1).min(script.len());
        if script[from..to].iter().any(near) {
            if hunks.is_empty() || shown_until != index {
                hunks.push(Hunk { old_line, new_line, lines: Vec::new() });
            }
            if let Some(hunk) = hunks.last_mut() {
                hunk.lines.push((*change, line));
            }
            shown_until = index + 1;
        }
        old_line += usize::from(*change != Change::Added);
        new_line += usize::from(*change != Change::Removed);
    }
    hunks
}

/// All lines of both texts in an order that leads from one to the other.
fn script<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Change, &'a str)> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_middle, new_middle) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let mut script: Vec<(Change, &str)> = old[..head].iter().map(|line| (Change::Same, *line)).collect();
    if let Some(steps) = shortest(old_middle, new_middle) {
        script.extend(steps);
    } else {
        script.extend(old_middle.iter().map(|line| (Change::Removed, *line)));
        script.extend(new_middle.iter().map(|line| (Change::Added, *line)));
    }
    script.extend(old[old.len() - tail..].iter().map(|line| (Change::Same, *line)));
    script
}

/// The shortest script; `None` where it has more than [`MAX_EDITS`] edits.
fn shortest<'a>(old: &[&'a str], new: &[&'a str]) -> Option<Vec<(Change, &'a str)>> {
    // `reach[k]` is how far in the old text the diagonal `k - offset` has been followed; one copy for each edit.
    let most = (old.len() + new.len()).min(MAX_EDITS);
    let offset = most + 1;
    let mut reach = vec![0_usize; 2 * most + 3];
    let mut trace = Vec::new();
    for edits in 0..=most {
        trace.push(reach.clone());
        for step in 0..=edits {
            let k = offset + 2 * step - edits;
            let down = step == 0 || (step != edits && reach[k - 1] < reach[k + 1]);
            let mut x = if down { reach[k + 1] } else { reach[k - 1] + 1 };
            // Diagonals that leave one of the texts lead nowhere.
            let Some(mut y) = (x + offset).checked_sub(k) else { continue };
            while x < old.len() && y < new.len() && old[x] == new[y] {
                (x, y) = (x + 1, y + 1);
            }
            reach[k] = x;
            if x >= old.len() && y >= new.len() {
                return Some(walk_back(old, new, &trace, offset));
            }
        }
    }
    None
}

fn walk_back<'a>(
    old: &[&'a str],
    new: &[&'a str],
    trace: &[Vec<usize>],
    offset: usize,
) -> Vec<(Change, &'a str)> {
    let (mut x, mut y) = (old.len(), new.len());
    let mut steps = Vec::new();
    for (edits, reach) in trace.iter().enumerate().rev() {
        let k = x + offset - y;
        let first = k == offset - edits;
        let down = first || (k != offset + edits && reach[k - 1] < reach[k + 1]);
        let (from_x, from_y) = match (edits, down) {
            (0, _) => (0, 0),
            (_, true) => (reach[k + 1], reach[k + 1] + offset - (k + 1)),
            (_, false) => (reach[k - 1], reach[k - 1] + offset + 1 - k),
        };
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            steps.push((Change::Same, old[x]));
        }
        if edits > 0 {
            if down {
                y -= 1;
                steps.push((Change::Added, new[y]));
            } else {
                x -= 1;
                steps.push((Change::Removed, old[x]));
            }
        }
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hunks: &[Hunk<'_>]) -> String {
        let sign = |change: Change| match change {
            Change::Same => ' ',
            Change::Removed => '-',
            Change::Added => '+',
        };
        let hunk = |hunk: &Hunk<'_>| {
            let lines = hunk.lines.iter().map(|(change, line)| format!("{}{line}", sign(*change)));
            format!("@{},{} {}", hunk.old_line, hunk.new_line, lines.collect::<Vec<_>>().join("|"))
        };
        hunks.iter().map(hunk).collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    fn check(old: &str, new: &str, expect: &str) {
        let lines = |text: &str| text.replace(' ', "\n");
        assert_eq!(shown(&diff(&lines(old), &lines(new), 1)), expect);
    }

    #[test]
    fn hunks_hold_what_differs_and_a_line_around_it() {
        check("", "", "");
        check("a b c", "a b c", "");
        check("", "a", "@1,1 +a");
        check("a", "", "@1,1 -a");
        check("a b c d e", "a b x d e", "@2,2  b|-c|+x| d");
        check("a b c d e f g", "x b c d e f g h", "@1,1 -a|+x| b\n@7,7  g|+h");
        check("a b c", "c a b", "@1,1 +c| a| b|-c");
        check("a b c a b b a", "c b a b a c", "@1,1 -a|-b| c|+b| a| b|-b| a|+c");
        check("a b c d", "a c b d", "@1,1  a|-b| c|+b| d");
    }

    #[test]
    fn any_two_texts_lead_to_each_other() {
        let mut state = 7_u64;
        let mut text = |length: u64| -> Vec<String> {
            (0..length)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    ((state >> 33) % 4).to_string()
                })
                .collect()
        };
        for length in 0..40 {
            let (old, new) = (text(length), text(40 - length));
            let (old, new): (Vec<&str>, Vec<&str>) =
                (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
            let script = script(&old, &new);
            let side = |left_out| -> Vec<&str> {
                script.iter().filter(|(change, _)| *change != left_out).map(|(_, line)| *line).collect()
            };
            assert_eq!((side(Change::Added), side(Change::Removed)), (old, new));
        }
    }

    #[test]
    fn texts_that_have_little_in_common_are_replaced_as_a_whole() {
        let old = (0..2000).map(|line| format!("a{line}")).collect::<Vec<_>>().join("\n");
        let new = old.replace('a', "b");
        assert_eq!(diff(&old, &new, 3)[0].lines.len(), 4000);
    }
}
