//! Tones of text, and whether they are painted.

use anstyle::{AnsiColor, Style};

/// What the user asked for with `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Where the stream is a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    Always,
    Never,
}

/// What a piece of text says, and so how it is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Strong,
    Dim,
    Good,
    Warning,
    Bad,
    Link,
    /// The line of a chart with this number; colours come round again.
    Line(usize),
}

/// Neighbours differ, and the first are those that are seen well on black and on white.
const LINES: [AnsiColor; 12] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Green,
    AnsiColor::Red,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightYellow,
    AnsiColor::BrightBlue,
    AnsiColor::BrightGreen,
    AnsiColor::BrightRed,
];

/// Paints or does not, by what was decided for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    Colors,
    None,
}

impl Palette {
    pub(super) fn decide(choice: ColorChoice, is_terminal: bool, no_color: bool) -> Self {
        match choice {
            ColorChoice::Always => Self::Colors,
            ColorChoice::Auto if is_terminal && !no_color => Self::Colors,
            ColorChoice::Auto | ColorChoice::Never => Self::None,
        }
    }

    /// The text in its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Dim => Style::new().dimmed(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default().bold(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Link => AnsiColor::Cyan.on_default().underline(),
            Tone::Line(line) => LINES[line % LINES.len()].on_default(),
        };
        match self {
            Self::Colors if !style.is_plain() => format!("{style}{text}{style:#}"),
            Self::Colors | Self::None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(choice: ColorChoice, is_terminal: bool, no_color: bool, expect: &str) {
        let palette = Palette::decide(choice, is_terminal, no_color);
        assert_eq!(palette.paint(Tone::Good, "up"), expect);
    }

    #[test]
    fn colours_follow_the_choice_the_terminal_and_no_color() {
        check(ColorChoice::Auto, true, false, "\u{1b}[32mup\u{1b}[0m");
        check(ColorChoice::Auto, true, true, "up");
        check(ColorChoice::Auto, false, false, "up");
        check(ColorChoice::Always, false, true, "\u{1b}[32mup\u{1b}[0m");
        check(ColorChoice::Never, true, false, "up");
        assert_eq!(Palette::Colors.paint(Tone::Plain, "x"), "x");
    }
}
