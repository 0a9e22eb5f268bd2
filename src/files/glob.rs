//! Files by patterns, as Go's `filepath.Glob` finds them for Prometheus and promtool.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::FileError;

/// The paths that a pattern names, in order. `*` and `?` are any characters but `/`, `[a-z]` and `[^a-z]` one of some,
/// `\` takes the next as it is. Without any of these it is the path itself, if it is there.
///
/// Folders that cannot be read have nothing in them. A pattern that is none is an error.
pub fn glob(pattern: &Path) -> Result<Vec<PathBuf>, FileError> {
    let text = pattern.to_string_lossy();
    let malformed = || FileError::Pattern { path: pattern.to_owned() };
    let parts: Vec<Vec<Part>> = text.split('/').map(parts).collect::<Option<_>>().ok_or_else(malformed)?;
    let mut found = vec![PathBuf::from(if text.starts_with('/') { "/" } else { "" })];
    for (piece, parts) in text.split('/').zip(&parts).filter(|(piece, _)| !piece.is_empty()) {
        let is_plain = !piece.contains(['*', '?', '[', '\\']);
        let mut next = Vec::new();
        for folder in found {
            if is_plain {
                let path = folder.join(piece);
                if fs::symlink_metadata(&path).is_ok() {
                    next.push(path);
                }
                continue;
            }
            let place = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            let Ok(entries) = fs::read_dir(place) else { continue };
            let names =
                entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
            let mut names: Vec<String> =
                names.filter(|name| matches(parts, &name.chars().collect::<Vec<_>>())).collect();
            names.sort();
            next.extend(names.into_iter().map(|name| folder.join(name)));
        }
        found = next;
    }
    Ok(found)
}

#[derive(Debug)]
enum Part {
    Char(char),
    Any,
    Many,
    OneOf { negated: bool, ranges: Vec<(char, char)> },
}

/// `None` where the pattern is malformed.
fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut chars = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Many,
            '?' => Part::Any,
            '\\' => Part::Char(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let mut one = || match chars.next()? {
                        '\\' => chars.next(),
                        '-' | ']' => None,
                        c => Some(c),
                    };
                    let low = one()?;
                    let high = if chars.next_if_eq(&'-').is_some() {
                        match chars.next()? {
                            '\\' => chars.next()?,
                            '-' | ']' => return None,
                            c => c,
                        }
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                Part::OneOf { negated, ranges }
            }
            c => Part::Char(c),
        });
    }
    Some(parts)
}

/// Linear in both lengths for each `*`: only the last one is ever gone back to.
fn matches(parts: &[Part], name: &[char]) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match parts.get(part) {
            None if at == name.len() => return true,
            Some(Part::Many) => {
                star = Some((part, at));
                part += 1;
                continue;
            }
            None => false,
            Some(part) => name.get(at).is_some_and(|c| match part {
                Part::Char(wanted) => c == wanted,
                Part::Any | Part::Many => true,
                Part::OneOf { negated, ranges } => {
                    ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated
                }
            }),
        };
        if fits {
            (part, at) = (part + 1, at + 1);
            continue;
        }
        match star {
            Some((many, from)) if from < name.len() => {
                star = Some((many, from + 1));
                (part, at) = (many + 1, from + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, names: &str, expect: &str) {
        let parts = parts(pattern).unwrap();
        let fits = |name: &&str| matches(&parts, &name.chars().collect::<Vec<_>>());
        assert_eq!(names.split(' ').filter(fits).collect::<Vec<_>>().join(" "), expect);
    }

    #[test]
    fn patterns_match_as_in_go() {
        check("*.yml", "a.yml .yml a.yaml b.yml.x", "a.yml .yml");
        check("a*b*c", "abc axxbyyc acb aabbcc abcx", "abc axxbyyc aabbcc");
        check("a?c", "abc ac aéc abbc", "abc aéc");
        check("[a-c]x[^d]", "axe dxe cxd bxx", "axe bxx");
        check("[\\]x]\\*", "]* x* xx", "]* x*");
        check("***a", "a ba ab", "a ba");
        for pattern in ["[", "[a", "[]", "[]a]", "[-a]", "[a-]", "\\", "a[^"] {
            assert!(parts(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/x")).unwrap();
        fs::create_dir_all(folder.path().join("b/x")).unwrap();
        for name in ["a/x/1.yml", "a/x/2.yml", "b/x/1.yml", "b/3.yml", "c.yml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |pattern: &str| {
            let found = glob(&folder.path().join(pattern)).map_err(|error| error.to_string());
            found.map(|found| {
                let names =
                    found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string());
                names.collect::<Vec<_>>().join(" ")
            })
        };
        assert_eq!(found("*/x/[1-9].yml").unwrap(), "a/x/1.yml a/x/2.yml b/x/1.yml");
        assert_eq!(found("c.yml").unwrap(), "c.yml");
        assert_eq!(found("none/*.yml").unwrap(), "");
        assert_eq!(found("none.yml").unwrap(), "");
        assert!(found("[").unwrap_err().ends_with("is no pattern: a `[` or `\\` is not complete"));
    }
}
