//! Progress: spinners and bars on a terminal, one line per finished step elsewhere.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Tone, Ui};

/// Several steps that run one after another or side by side.
#[derive(Debug)]
pub struct Progress<'a> {
    ui: &'a Ui,
    bars: Option<&'a MultiProgress>,
}

/// A step that has begun. One that is dropped without an end leaves no line.
#[derive(Debug)]
pub struct Step<'a> {
    ui: &'a Ui,
    name: String,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(ui: &'a Ui, bars: Option<&'a MultiProgress>) -> Self {
        Self { ui, bars }
    }

    /// Begins a step, such as `pull prom/prometheus:v3.16.0`.
    pub fn step(&self, name: impl Into<String>) -> Step<'a> {
        let name = name.into();
        let bar = self.bars.map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner().with_style(style(SPINNER)));
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Step { ui: self.ui, name, bar }
    }
}

const SPINNER: &str = "{spinner} {prefix} {wide_msg}";
const BAR: &str = "{spinner} {prefix} [{bar:24}] {bytes}/{total_bytes} {wide_msg}";

fn style(template: &str) -> ProgressStyle {
    // Both templates are above, and a test holds that they are read.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Step<'_> {
    /// What the step does at the moment; seen on a terminal only.
    pub fn note(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }

    /// How many bytes of how many are done; seen on a terminal only.
    pub fn bytes(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            if bar.length() != Some(total) {
                bar.set_style(style(BAR));
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    /// Ends the step well; `detail` may be empty.
    pub fn done(self, detail: &str) {
        self.end(Tone::Good, "✔", detail);
    }

    /// Ends the step badly.
    pub fn failed(self, why: &str) {
        self.end(Tone::Bad, "✘", &format!("failed: {why}"));
    }

    fn end(self, tone: Tone, mark: &str, detail: &str) {
        let colon = if detail.is_empty() { "" } else { ": " };
        let line = format!("{}{colon}{detail}", self.name);
        match &self.bar {
            Some(bar) => {
                bar.finish_and_clear();
                self.ui.say(&format!("{} {line}", self.ui.conversation_palette().paint(tone, mark)));
            }
            None => self.ui.say(&line),
        }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_each_finished_step_is_a_line() {
        let (ui, captured) = Ui::captured();
        let progress = ui.progress();
        let pull = progress.step("pull prom/prometheus:v3.16.0");
        let wait = progress.step("wait for grafana");
        pull.note("layer 2");
        pull.bytes(5, 10);
        drop(progress.step("never ended"));
        pull.done("118 MB");
        wait.failed("no answer");
        progress.step("network").done("");
        assert_eq!(captured.stdout(), "");
        assert_eq!(
            captured.stderr(),
            "pull prom/prometheus:v3.16.0: 118 MB\nwait for grafana: failed: no answer\nnetwork\n"
        );
    }

    #[test]
    fn the_templates_are_read() {
        for template in [SPINNER, BAR] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
