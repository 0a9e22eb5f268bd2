//! The nearest spelling of a mistyped name.

/// The candidate that `typed` was most likely meant to be, if any is near enough to be worth naming.
///
/// Near means an edit distance (insert, delete, replace, swap of neighbours) of at most a third of the
/// longer name, ignoring case and the difference between `-` and `_`.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(typed);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = fold(candidate);
            let allowed = folded.len().max(other.len()).div_ceil(3);
            let distance = edit_distance(&folded, &other);
            (distance <= allowed).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn fold(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Optimal string alignment distance (Damerau-Levenshtein without overlapping swaps).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replace = last[j] + usize::from(a[i] != b[j]);
            let mut cost = replace.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expect: Option<&str>) {
        let keys = ["ceiling_per_hour", "approaching", "budget_per_month", "vllm", "llmobs"];
        assert_eq!(nearest(typed, keys), expect);
    }

    #[test]
    fn the_nearest_name_wins_and_far_ones_are_not_offered() {
        check("celing_per_hour", Some("ceiling_per_hour"));
        check("ceiling-per-hour", Some("ceiling_per_hour"));
        check("VLLM", Some("vllm"));
        check("vlml", Some("vllm"));
        check("llmbos", Some("llmobs"));
        check("prometheus", None);
        check("", None);
    }
}
