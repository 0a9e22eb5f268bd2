//! The printer: the only place that touches stdout and stderr.

use std::{
    fmt,
    io::{self, ErrorKind, IsTerminal, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use indicatif::MultiProgress;

use crate::diagnostic::Diagnostic;

use super::{Chart, ColorChoice, Palette, Progress, Screen, Table, Tone, findings};

/// Width of lines where the terminal does not say.
const DEFAULT_WIDTH: usize = 100;

/// What is known of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// `NO_COLOR` is set (<https://no-color.org>).
    pub no_color: bool,
    /// Columns.
    pub width: usize,
}

impl Terminal {
    /// The terminal of this process. `env` looks up an environment variable.
    #[expect(clippy::disallowed_methods, reason = "`ui` owns the streams")]
    pub fn of_this_process(env: impl Fn(&str) -> Option<String>) -> Self {
        let columns = || env("COLUMNS").and_then(|columns| columns.parse().ok());
        let of_terminal = || console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
        Self {
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            no_color: env("NO_COLOR").is_some_and(|value| !value.is_empty()),
            width: columns().or_else(of_terminal).unwrap_or(DEFAULT_WIDTH),
        }
    }
}

/// Prints. Shared freely: every call writes whole lines under a lock.
pub struct Ui {
    answers: Stream,
    conversation: Stream,
    /// Bars on stderr, where it is a terminal; lines are printed above them.
    bars: Option<MultiProgress>,
    width: usize,
    answers_to_terminal: bool,
}

struct Stream {
    palette: Palette,
    to: Mutex<Box<dyn Write + Send>>,
    /// Nobody reads any more, or nothing can be written.
    closed: AtomicBool,
    failure: Mutex<Option<io::Error>>,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("width", &self.width).finish_non_exhaustive()
    }
}

impl Ui {
    /// The printer on the streams of this process.
    #[expect(clippy::disallowed_methods, reason = "`ui` owns the streams")]
    pub fn new(choice: ColorChoice, terminal: Terminal) -> Self {
        let palette = |is_terminal| Palette::decide(choice, is_terminal, terminal.no_color);
        Self {
            answers: Stream::new(palette(terminal.stdout_is_terminal), Box::new(io::stdout())),
            conversation: Stream::new(palette(terminal.stderr_is_terminal), Box::new(io::stderr())),
            bars: terminal.stderr_is_terminal.then(MultiProgress::new),
            width: terminal.width,
            answers_to_terminal: terminal.stdout_is_terminal,
        }
    }

    /// A printer that keeps what is printed, uncoloured: for tests.
    pub fn captured() -> (Self, Captured) {
        let captured = Captured::default();
        let stream = |to: &Captured, which: fn(&Captured) -> &Buffer| {
            Stream::new(Palette::None, Box::new(which(to).clone()))
        };
        let ui = Self {
            answers: stream(&captured, |captured| &captured.stdout),
            conversation: stream(&captured, |captured| &captured.stderr),
            bars: None,
            width: DEFAULT_WIDTH,
            answers_to_terminal: false,
        };
        (ui, captured)
    }

    /// Columns that a line may take.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether answers are read by a person.
    pub fn answers_to_terminal(&self) -> bool {
        self.answers_to_terminal
    }

    /// How answers are painted.
    pub fn palette(&self) -> Palette {
        self.answers.palette
    }

    /// The whole terminal, where there is one to read from and to write to.
    pub fn screen(&self) -> Option<Screen> {
        if self.answers_to_terminal { Screen::take(self.palette()) } else { None }
    }

    /// Whether nobody reads the answers any more: a command that follows something should stop.
    pub fn is_closed(&self) -> bool {
        self.answers.closed.load(Ordering::Relaxed)
    }

    /// The failure to write an answer, a broken pipe aside: the user has not got what was asked for.
    pub fn failure(&self) -> Option<io::Error> {
        self.answers.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A line, or lines, of the answer.
    pub fn answer(&self, text: &str) {
        self.write(&self.answers, &ended(text));
    }

    /// Bytes of the answer as they are.
    pub fn answer_bytes(&self, bytes: &[u8]) {
        self.write(&self.answers, bytes);
    }

    /// A table as the answer.
    pub fn answer_table(&self, table: &Table) {
        self.answer(&table.draw(self.answers.palette));
    }

    /// A chart as the answer; nothing where it is empty.
    pub fn answer_chart(&self, chart: &Chart) {
        let drawn = chart.draw(self.answers.palette, self.width);
        if !drawn.is_empty() {
            self.answer(&drawn);
        }
    }

    /// A line of conversation.
    pub fn say(&self, text: &str) {
        self.write(&self.conversation, &ended(text));
    }

    pub fn warn(&self, text: &str) {
        self.head(Tone::Warning, "warning", text);
    }

    pub fn error(&self, text: &str) {
        self.head(Tone::Bad, "error", text);
    }

    /// What to do about what was said before.
    pub fn hint(&self, text: &str) {
        self.head(Tone::Strong, "hint", text);
    }

    fn head(&self, tone: Tone, word: &str, text: &str) {
        let head = self.conversation.palette.paint(tone, &format!("{word}:"));
        self.say(&format!("{head} {text}"));
    }

    /// Diagnostics, each with its line and caret; where errors are among them, a last line counts them.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        let draw =
            |diagnostic: &Diagnostic| findings::draw(diagnostic, self.conversation.palette, self.width);
        let mut drawn = diagnostics.iter().map(draw).peekable();
        while let Some(text) = drawn.next() {
            // Those of one line stand together, those of more apart from everything.
            let next_is_long = drawn.peek().is_some_and(|next| next.contains('\n'));
            let gap = if text.contains('\n') || next_is_long { "\n\n" } else { "\n" };
            self.say(&format!("{text}{gap}"));
        }
        if let Some(summary) = findings::summary(diagnostics) {
            self.say(&summary);
        }
    }

    /// Progress of several steps.
    pub fn progress(&self) -> Progress<'_> {
        Progress::new(self, self.bars.as_ref())
    }

    pub(super) fn conversation_palette(&self) -> Palette {
        self.conversation.palette
    }

    fn write(&self, stream: &Stream, bytes: &[u8]) {
        match &self.bars {
            Some(bars) => bars.suspend(|| stream.write(bytes)),
            None => stream.write(bytes),
        }
    }
}

fn ended(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes
}

impl Stream {
    fn new(palette: Palette, to: Box<dyn Write + Send>) -> Self {
        Self { palette, to: Mutex::new(to), closed: AtomicBool::new(false), failure: Mutex::new(None) }
    }

    fn write(&self, bytes: &[u8]) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = to.write_all(bytes).and_then(|()| to.flush()) {
            self.closed.store(true, Ordering::Relaxed);
            if error.kind() != ErrorKind::BrokenPipe {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        }
    }
}

/// What a captured printer has printed.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    stdout: Buffer,
    stderr: Buffer,
}

impl Captured {
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub fn stderr(&self) -> String {
        self.stderr.text()
    }
}

#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_conversation_go_apart_in_whole_lines() {
        let (ui, captured) = Ui::captured();
        ui.answer("one");
        ui.answer("two\n");
        ui.answer_bytes(b"three");
        ui.say("hello");
        ui.warn("careful");
        ui.error("no");
        ui.hint("try again");
        assert_eq!(captured.stdout(), "one\ntwo\nthree");
        assert_eq!(captured.stderr(), "hello\nwarning: careful\nerror: no\nhint: try again\n");
        assert_eq!((ui.is_closed(), ui.failure().is_none()), (false, true));
    }

    #[test]
    fn diagnostics_stand_apart_and_are_counted() {
        let (ui, captured) = Ui::captured();
        ui.diagnostics(&[Diagnostic::error("one"), Diagnostic::warning("two").help("do")]);
        let expect = "error: one\n\nwarning: two\n |\n = help: do\n\n1 error and 1 warning\n";
        assert_eq!(captured.stderr(), expect);
        ui.diagnostics(&[]);
        assert_eq!(captured.stderr(), expect);
        let (ui, captured) = Ui::captured();
        ui.diagnostics(&[Diagnostic::note("one"), Diagnostic::warning("two")]);
        assert_eq!(captured.stderr(), "note: one\nwarning: two\n");
    }

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(kind: ErrorKind, expect: Option<ErrorKind>) {
        let (mut ui, _) = Ui::captured();
        ui.answers = Stream::new(Palette::None, Box::new(Failing(kind)));
        ui.answer("x");
        ui.answer("y");
        assert!(ui.is_closed());
        assert_eq!(ui.failure().map(|error| error.kind()), expect);
    }

    #[test]
    fn a_broken_pipe_is_quiet_and_a_full_disk_is_not() {
        check(ErrorKind::BrokenPipe, None);
        check(ErrorKind::StorageFull, Some(ErrorKind::StorageFull));
    }

    #[test]
    fn a_printer_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Ui>();
    }
}
