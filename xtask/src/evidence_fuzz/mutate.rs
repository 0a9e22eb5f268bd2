//! Mutations: what real expressions become by a few changes, of whole pieces or of bytes.

use llmobs::promql::syntax::{Arity, FUNCTIONS};

use crate::random::Random;

use super::{
    corpus::{AGGREGATIONS, OPERATORS, call},
    token::{Class, Token, part, text, tokens},
    words::{CHARACTERS, DURATIONS, LABELS, MATCHINGS, METRICS, NUMBERS, STRINGS, TAILS},
};

/// A text does not grow beyond this by mutations, save for the ones that are about length.
const LONGEST: usize = 4_000;

/// One in so many inputs is far longer or deeper than anything written by hand.
const RARE: usize = 2_000;

/// The corpus, in pieces.
pub(super) struct Mutator<'c> {
    entries: Vec<Vec<Token<'c>>>,
}

impl<'c> Mutator<'c> {
    pub(super) fn new(corpus: &'c [String]) -> Self {
        Self { entries: corpus.iter().map(|entry| tokens(entry)).collect() }
    }

    /// An input; the same for the same random numbers.
    pub(super) fn input(&self, random: &mut Random) -> String {
        let mut pieces = random.pick(&self.entries).clone();
        // Some mutations often leave an expression, others seldom do.
        let gentle = random.below(2) == 0;
        let mut count = 0;
        while count < 8 && random.below(10) < 6 {
            count += 1;
            self.change(&mut pieces, gentle, random);
            if pieces.len() > LONGEST / 4 {
                break;
            }
        }
        let mut input = text(&pieces);
        if input.len() <= LONGEST && random.below(RARE) == 0 {
            input = exaggerated(&input, random);
        }
        // What no other mutation touched is left alone in a part of the cases only.
        let bytes = if count == 0 { random.below(3) } else { random.below(12).saturating_sub(9) };
        for _ in 0..bytes {
            input = changed_bytes(input, random);
        }
        input
    }

    /// One mutation of pieces.
    fn change(&self, pieces: &mut Vec<Token<'c>>, gentle: bool, random: &mut Random) {
        let Some(at) = place(pieces, random) else {
            *pieces = random.pick(&self.entries).clone();
            return;
        };
        let least = if gentle { 8 } else { 0 };
        match least + random.below(22 - least) {
            0 => {
                let other = place(pieces, random).unwrap_or(at);
                pieces.swap(at, other);
            }
            1 => drop(pieces.remove(at)),
            2 => drop(pieces.drain(part(pieces, at))),
            3 => pieces.insert(at, pieces[at].clone()),
            4 => {
                let copy = pieces[part(pieces, at)].to_vec();
                pieces.splice(at..at, copy);
            }
            5 | 6 => {
                let class = pieces[at].class;
                if let Some(other) = self.piece(random, |token| token.class == class) {
                    pieces[at] = other;
                }
            }
            7 => {
                if let Some(other) = self.piece(random, |token| token.class != Class::Space) {
                    pieces[at] = other;
                }
            }
            8..=10 => {
                let range = part(pieces, at);
                let mut other = self.part(random);
                if random.below(3) == 0 {
                    other.insert(0, Token::new(Class::Open, "("));
                    other.push(Token::new(Class::Close, ")"));
                }
                pieces.splice(range, other);
            }
            11..=14 => wrap(pieces, at, random),
            15 => replace(pieces, Class::Number, &[&NUMBERS[..], &DURATIONS].concat(), random),
            16 => replace(pieces, Class::String, &STRINGS, random),
            17 => replace(
                pieces,
                Class::Word,
                if random.below(2) == 0 { &LABELS[..] } else { &METRICS },
                random,
            ),
            18 => {
                let end = part(pieces, at).end;
                insert(pieces, end, random.pick::<&str>(&TAILS));
            }
            19 => {
                let behind = pieces.iter().position(|token| token.class == Class::Operator).map(|first| {
                    // Any of them, beginning at a random one.
                    let start = at.max(first);
                    pieces[start..]
                        .iter()
                        .position(|token| is_operator(token))
                        .map_or(first, |index| start + index)
                });
                if let Some(operator) = behind {
                    insert(pieces, operator + 1, random.pick::<&str>(&MATCHINGS));
                }
            }
            20 => {
                let range = part(pieces, at);
                let joined = format!(" {} ", random.pick(&OPERATORS));
                let mut other = owned(&joined);
                other.extend(self.part(random));
                pieces.splice(range.end..range.end, other);
            }
            _ => {
                let whole = text(pieces);
                *pieces = owned(&format!("({whole}) {} ", random.pick(&OPERATORS)));
                pieces.extend(random.pick(&self.entries).iter().cloned());
            }
        }
    }

    /// A piece of the corpus that fits, if one is found soon.
    fn piece(&self, random: &mut Random, fits: impl Fn(&Token<'c>) -> bool) -> Option<Token<'c>> {
        (0..4).find_map(|_| {
            let entry = random.pick(&self.entries);
            let start = random.below(entry.len());
            entry[start..].iter().find(|token| fits(token)).cloned()
        })
    }

    /// A likely whole part of an expression of the corpus.
    fn part(&self, random: &mut Random) -> Vec<Token<'c>> {
        let entry = random.pick(&self.entries);
        place(entry, random).map_or_else(Vec::new, |at| entry[part(entry, at)].to_vec())
    }
}

/// The place of a piece that is not space.
fn place(pieces: &[Token<'_>], random: &mut Random) -> Option<usize> {
    if pieces.is_empty() {
        return None;
    }
    let start = random.below(pieces.len());
    let found = pieces[start..].iter().position(|token| token.class != Class::Space);
    found.map(|index| start + index).or_else(|| pieces.iter().position(|token| token.class != Class::Space))
}

fn is_operator(token: &Token<'_>) -> bool {
    token.class == Class::Operator || token.class == Class::Word && OPERATORS.contains(&&*token.text)
}

fn owned<'a>(text: &str) -> Vec<Token<'a>> {
    tokens(text).into_iter().map(|token| Token::new(token.class, token.text.into_owned())).collect()
}

fn insert(pieces: &mut Vec<Token<'_>>, at: usize, words: &str) {
    let at = at.min(pieces.len());
    pieces.splice(at..at, owned(words));
}

/// Replaces one piece of a class by one of some words.
fn replace(pieces: &mut [Token<'_>], class: Class, by: &[&'static str], random: &mut Random) {
    let places: Vec<usize> = (0..pieces.len()).filter(|index| pieces[*index].class == class).collect();
    if !places.is_empty() {
        pieces[*random.pick(&places)] = Token::new(class, *random.pick(by));
    }
}

/// Puts a part into a call, an aggregation, a subquery, parentheses, or behind a sign.
fn wrap(pieces: &mut Vec<Token<'_>>, at: usize, random: &mut Random) {
    let range = if random.below(3) == 0 { 0..pieces.len() } else { part(pieces, at) };
    let inner = text(&pieces[range.clone()]);
    let wrapped = match random.below(12) {
        0..=4 => {
            let function = random.pick(FUNCTIONS);
            let more = match function.arity {
                Arity::Fixed => 0,
                Arity::Optional(most) => random.below(most + 1),
                Arity::AtLeast => random.below(3),
            };
            let least = function.args.len() - usize::from(function.arity != Arity::Fixed);
            call(function, least + more, &inner)
        }
        5..=7 => {
            let (name, param) = random.pick(&AGGREGATIONS);
            let grouping = random.pick(&["", " by (model)", " by (le, model)", " without (zone)", " by ()"]);
            format!("{name}{grouping} ({param}{inner})")
        }
        8 => format!(
            "({inner})[{}:{}]",
            random.pick(&DURATIONS),
            random.pick(&["", "1m", "30s", "7s", "step()"])
        ),
        9 => format!("{inner}[{}]", random.pick(&DURATIONS)),
        10 => format!("({inner})"),
        _ => format!("{}{inner}", random.pick(&["-", "+", "- ", "1 - "])),
    };
    pieces.splice(range, owned(&wrapped));
}

/// One change below the level of pieces.
fn changed_bytes(input: String, random: &mut Random) -> String {
    let mut bytes = input.into_bytes();
    let at = random.below(bytes.len() + 1);
    match random.below(7) {
        0 => drop(bytes.splice(at..at, random.pick(&CHARACTERS).bytes())),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(..at)),
        3 if at < bytes.len() => bytes[at] ^= 1 << random.below(7),
        4 if at < bytes.len() => drop(bytes.remove(at)),
        5 if at < bytes.len() => bytes.insert(at, bytes[at]),
        _ => {
            let other = random.below(bytes.len() + 1);
            drop(bytes.drain(at.min(other)..at.max(other)));
        }
    }
    // Halves of characters become replacement characters, which are inputs as good as any.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Deep, or long, beyond reason.
fn exaggerated(inner: &str, random: &mut Random) -> String {
    let times = *random.pick(&[50, 130, 260, 1_000, 5_000, 20_000]);
    let some = times.min(1_000);
    let few = times.min(LONGEST / (inner.len() + 1) + 2);
    match random.below(12) {
        0 => format!("{}{inner}{}", "(".repeat(times), ")".repeat(times)),
        1 => "(".repeat(times),
        2 => format!("{}{inner}", "-".repeat(times)),
        3 => format!("{}{inner}{}", "abs(".repeat(times), ")".repeat(times)),
        4 => format!("{}{inner}{}", "sum by (model) (".repeat(times), ")".repeat(times)),
        5 => vec![inner; few].join(" + "),
        6 => vec!["1"; times].join(*random.pick(&[" ^ ", " + ", " or ", " == bool "])),
        7 => format!("{inner}{}", "[5m:1m]".repeat(some)),
        8 => format!("up{{{}}}", "model=\"a\",".repeat(some)),
        9 => format!("sum by ({}) (up)", "model,".repeat(some)),
        10 => format!("up[{}5m{}]", "(".repeat(times), ")".repeat(times)),
        _ => format!("up{{model=~\"{}\"}}", "(a|b)*".repeat(some)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_the_seed() {
        let corpus = ["sum by (a) (rate(x[5m])) / 2".to_owned(), "y{b=\"c\"} > bool 1".to_owned()];
        let mutator = Mutator::new(&corpus);
        let inputs = |seed| -> Vec<String> {
            let mut random = Random::new(seed);
            (0..2_000).map(|_| mutator.input(&mut random)).collect()
        };
        let one = inputs(1);
        assert_eq!(one, inputs(1));
        let mut distinct = one.clone();
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 1_200, "{}", distinct.len());
    }
}
