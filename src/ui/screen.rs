//! The whole terminal, for what changes while it is looked at.

use std::io::{self, Read as _, Write as _};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Palette, Tone};

/// A line of a screen: texts in their tones.
pub type ScreenLine = Vec<(Tone, String)>;

/// The terminal, taken: another buffer without a cursor, keys that come one by one. All is given back at the end of the
/// value.
#[derive(Debug)]
pub struct Screen {
    palette: Palette,
    _keys: Cooked,
}

const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

impl Screen {
    /// Takes the terminal of this process; `None` where its input or its output is none.
    pub(super) fn take(palette: Palette) -> Option<Self> {
        let keys = Cooked::leave()?;
        on_panic(&keys);
        put(ENTER);
        Some(Self { palette, _keys: keys })
    }

    /// Columns and lines.
    pub fn size(&self) -> (usize, usize) {
        let (rows, columns) = console::Term::stdout().size();
        (usize::from(columns).max(20), usize::from(rows).max(5))
    }

    /// Shows lines from the top on, cut to the terminal's size.
    pub fn draw(&mut self, lines: &[ScreenLine]) {
        let (columns, rows) = self.size();
        let mut text = String::from("\x1b[H");
        for (index, line) in lines.iter().take(rows).enumerate() {
            if index > 0 {
                text.push_str("\r\n");
            }
            for (tone, part) in clipped(line, columns) {
                text.push_str(&self.palette.paint(tone, &part));
            }
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        put(&text);
    }

    /// Has each key that is pressed told, on a thread of its own, until the process ends.
    pub fn on_key(&self, tell: impl Fn(char) + Send + 'static) {
        std::thread::spawn(move || {
            let mut byte = [0];
            while matches!(io::stdin().read(&mut byte), Ok(1)) {
                tell(char::from(byte[0]));
            }
        });
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put(LEAVE);
    }
}

/// A terminal that cannot be written to any more has nobody to tell.
#[expect(clippy::disallowed_methods, reason = "`ui` owns the streams")]
fn put(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The parts of a line that have room in so many columns. Control characters are left out.
fn clipped(line: &ScreenLine, columns: usize) -> Vec<(Tone, String)> {
    let mut room = columns;
    let mut parts = Vec::new();
    for (tone, text) in line {
        let mut part = String::new();
        for character in text.chars() {
            let Some(width) = character.width() else { continue };
            if width > room {
                room = 0;
                break;
            }
            room -= width;
            part.push(character);
        }
        parts.push((*tone, part));
    }
    parts
}

/// Columns that a text takes.
pub fn screen_width(text: &str) -> usize {
    text.width()
}

/// A text with blanks after it, up to a width; where it is longer it is cut, and ends with `…`.
pub fn padded(text: &str, width: usize) -> String {
    let is_cut = text.width() > width;
    let room = if is_cut { width.saturating_sub(1) } else { width };
    let mut cut = String::new();
    for character in text.chars() {
        if cut.width() + character.width().unwrap_or(0) > room {
            break;
        }
        cut.push(character);
    }
    if is_cut && width > 0 {
        cut.push('…');
    }
    let blanks = width.saturating_sub(cut.width());
    cut + &" ".repeat(blanks)
}

/// Values as a row of blocks; `None` is a gap. Values are shares of the height.
pub fn sparkline(values: &[Option<f64>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let block = |value: f64| {
        let eighth = (value.clamp(0.0, 1.0) * 7.0).round();
        // It lies between 0 and 7.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
        let index = eighth as usize;
        BLOCKS[index.min(7)]
    };
    values.iter().map(|value| value.filter(|value| !value.is_nan()).map_or(' ', block)).collect()
}

/// Keys come one by one and are not shown, until the end of the value. Ctrl-C stays a signal; Ctrl-Z is a key: a process
/// that is suspended watches nothing, and would leave its screen behind.
#[derive(Debug)]
struct Cooked {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Cooked {
    fn leave() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
        use std::io::IsTerminal as _;
        let input = io::stdin();
        if !input.is_terminal() {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        let mut keys = before.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        keys.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
        tcsetattr(&input, OptionalActions::Now, &keys).ok()?;
        Some(Self { before })
    }
}

/// The control character of no key: `_POSIX_VDISABLE` (termios(3)).
#[cfg(unix)]
const NO_KEY: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

#[cfg(unix)]
impl Drop for Cooked {
    fn drop(&mut self) {
        give_back(&self.before);
    }
}

#[cfg(unix)]
fn give_back(before: &rustix::termios::Termios) {
    use rustix::termios::{OptionalActions, tcsetattr};
    // A terminal that is gone needs nothing back.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
}

/// Where a panic ends the process without the end of any value, the terminal is given back before it is told.
#[cfg(unix)]
fn on_panic(keys: &Cooked) {
    if cfg!(panic = "abort") {
        let before = keys.before.clone();
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            put(LEAVE);
            give_back(&before);
            tell(panic);
        }));
    }
}

#[cfg(not(unix))]
fn on_panic(_: &Cooked) {}

#[cfg(not(unix))]
impl Cooked {
    fn leave() -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_the_terminal() {
        let line = vec![(Tone::Strong, "ab\x1b[2J".to_owned()), (Tone::Plain, "日本語".to_owned())];
        let shown = |columns| clipped(&line, columns).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(shown(80), ["ab[2J", "日本語"]);
        assert_eq!(shown(8), ["ab[2J", "日"]);
        assert_eq!(shown(1), ["a", ""]);
        assert_eq!(
            (padded("$100", 4), padded("$100", 3), padded("$100", 0)),
            ("$100".to_owned(), "$1…".to_owned(), String::new())
        );
        assert_eq!((padded("ab", 4), padded("日本語", 5)), ("ab  ".to_owned(), "日本…".to_owned()));
    }

    #[test]
    fn values_are_drawn_as_blocks() {
        let values = [Some(0.0), Some(0.5), None, Some(1.0), Some(f64::NAN), Some(7.0)];
        assert_eq!(sparkline(&values), "▁▅ █ █");
    }
}
