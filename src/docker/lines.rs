//! Frames of a log cut into lines.

use crate::docker::{LogLine, Stream};

/// Joins the frames of one container, which end anywhere, and hands out whole lines per stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Lines {
    pub(super) fn push(&mut self, stream: Stream, frame: &[u8], on_line: &mut dyn FnMut(LogLine)) {
        let pending = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        pending.extend_from_slice(frame);
        let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { return };
        let rest = pending.split_off(end + 1);
        for line in pending[..end].split(|byte| *byte == b'\n') {
            on_line(log_line(stream, line));
        }
        *pending = rest;
    }

    /// Hands out what was not ended by a line feed.
    pub(super) fn finish(self, on_line: &mut dyn FnMut(LogLine)) {
        for (stream, pending) in [(Stream::Out, self.out), (Stream::Err, self.err)] {
            if !pending.is_empty() {
                on_line(log_line(stream, &pending));
            }
        }
    }
}

fn log_line(stream: Stream, bytes: &[u8]) -> LogLine {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    LogLine { stream, text: String::from_utf8_lossy(bytes).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frames: &[(Stream, &str)], expect: &[(Stream, &str)]) {
        let mut seen = Vec::new();
        let mut on_line = |line: LogLine| seen.push((line.stream, line.text));
        let mut lines = Lines::default();
        for (stream, frame) in frames {
            lines.push(*stream, frame.as_bytes(), &mut on_line);
        }
        lines.finish(&mut on_line);
        let expect: Vec<_> = expect.iter().map(|(stream, text)| (*stream, (*text).to_owned())).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn frames_become_lines_per_stream() {
        use Stream::{Err, Out};
        check(&[], &[]);
        check(&[(Out, "a\nb\n")], &[(Out, "a"), (Out, "b")]);
        check(&[(Out, "a"), (Out, "b\nc")], &[(Out, "ab"), (Out, "c")]);
        check(&[(Out, "a"), (Err, "x\n"), (Out, "b\r\n")], &[(Err, "x"), (Out, "ab")]);
        check(&[(Out, "\n\n")], &[(Out, ""), (Out, "")]);
        check(&[(Err, "é"), (Err, "\n")], &[(Err, "é")]);
    }
}
