//! An input made shorter while its fault stays.

use super::token::{Token, text, tokens};

/// How often a shorter input is tried, at most.
const TRIES: usize = 2_000;

/// The shortest input found that still shows the fault.
pub(super) fn shrunk(input: &str, shows: &dyn Fn(&str) -> bool) -> String {
    let mut tries = TRIES;
    let mut pieces: Vec<Token<'_>> = tokens(input);
    shrink(&mut pieces, &mut tries, &|pieces| shows(&text(pieces)));
    let mut characters: Vec<char> = text(&pieces).chars().collect();
    shrink(&mut characters, &mut tries, &|characters| shows(&characters.iter().collect::<String>()));
    characters.into_iter().collect()
}

/// Takes away runs of parts, long ones first.
fn shrink<T: Clone>(parts: &mut Vec<T>, tries: &mut usize, shows: &dyn Fn(&[T]) -> bool) {
    let mut run = parts.len().div_ceil(2);
    while run > 0 && *tries > 0 {
        let mut start = 0;
        let mut shorter = false;
        while start < parts.len() && *tries > 0 {
            *tries -= 1;
            let end = (start + run).min(parts.len());
            let without: Vec<T> = parts[..start].iter().chain(&parts[end..]).cloned().collect();
            if shows(&without) {
                *parts = without;
                shorter = true;
            } else {
                start += run;
            }
        }
        if !shorter || run > 1 {
            run /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_stays() {
        let shows = |text: &str| text.contains("x[") && text.contains('é');
        assert_eq!(shrunk("sum by (a) (rate(x[5m])) / \"né\" + 3", &shows), "x[é");
        assert_eq!(shrunk("", &|_| true), "");
    }
}
