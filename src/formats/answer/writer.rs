//! JSON in the making, with the escapes and numbers of Prometheus' API.

use std::fmt::Write as _;

use super::{
    escape::{Html, escape},
    json::push_instant,
    number::{push_number, push_plain_number},
};
use crate::{series::Labels, time::Timestamp};

/// One JSON value in the making; whoever gets it writes exactly one value.
#[derive(Debug, Default)]
pub struct Json(String);

/// An object in the making.
#[derive(Debug)]
pub struct Object<'a> {
    json: &'a mut Json,
    is_empty: bool,
}

impl Json {
    pub fn into_string(self) -> String {
        self.0
    }

    /// Text that is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    /// A string; `<`, `>` and `&` are escaped, as Go does it.
    pub fn text(&mut self, text: &str) {
        escape(text, Html::Escaped, &mut self.0);
    }

    /// A whole number, `true`, `false` or `null`.
    pub fn plain(&mut self, value: impl std::fmt::Display) {
        // A `String` takes everything.
        let _ = write!(self.0, "{value}");
    }

    /// A finite number; others are `null`, since JSON has none of them.
    pub fn number(&mut self, value: f64) {
        if value.is_finite() { push_plain_number(value, &mut self.0) } else { self.0.push_str("null") }
    }

    /// A value in quotes, as the API writes a sample's.
    pub fn sample(&mut self, value: f64) {
        self.0.push('"');
        push_number(value, &mut self.0);
        self.0.push('"');
    }

    /// Seconds since the epoch, as the API writes a sample's time.
    pub fn instant(&mut self, at: Timestamp) {
        push_instant(at, &mut self.0);
    }

    /// RFC 3339 in quotes; no time is the year 1, as Go has it.
    pub fn time(&mut self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.text(&at.to_string()),
            None => self.raw("\"0001-01-01T00:00:00Z\""),
        }
    }

    /// An object of labels; nothing but what JSON asks for is escaped.
    pub fn labels(&mut self, labels: &Labels) {
        self.0.push('{');
        for (index, (name, value)) in labels.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            escape(name, Html::AsItIs, &mut self.0);
            self.0.push(':');
            escape(value, Html::AsItIs, &mut self.0);
        }
        self.0.push('}');
    }

    pub fn object(&mut self, fill: impl FnOnce(&mut Object<'_>)) {
        self.0.push('{');
        fill(&mut Object { json: self, is_empty: true });
        self.0.push('}');
    }

    /// `write` writes one value for each item.
    pub fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.0.push('[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            write(self, item);
        }
        self.0.push(']');
    }

    pub fn texts<T: AsRef<str>>(&mut self, items: impl IntoIterator<Item = T>) {
        self.list(items, |json, item| json.text(item.as_ref()));
    }
}

impl Object<'_> {
    /// The name of a field, whose value is to be written next.
    pub fn field(&mut self, name: &str) -> &mut Json {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.json.0.push(',');
        }
        self.json.text(name);
        self.json.0.push(':');
        self.json
    }

    pub fn text(&mut self, name: &str, text: &str) {
        self.field(name).text(text);
    }

    /// See [`Json::plain`].
    pub fn plain(&mut self, name: &str, value: impl std::fmt::Display) {
        self.field(name).plain(value);
    }

    pub fn number(&mut self, name: &str, value: f64) {
        self.field(name).number(value);
    }

    pub fn labels(&mut self, name: &str, labels: &Labels) {
        self.field(name).labels(labels);
    }

    pub fn time(&mut self, name: &str, at: Option<Timestamp>) {
        self.field(name).time(at);
    }

    pub fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Json, T),
    ) {
        self.field(name).list(items, write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl FnOnce(&mut Json), expect: &str) {
        let mut json = Json::default();
        write(&mut json);
        assert_eq!(json.into_string(), expect);
    }

    #[test]
    fn values_are_written_with_their_commas() {
        check(|json| json.object(|_| {}), "{}");
        check(|json| json.list([1, 2], Json::plain), "[1,2]");
        check(
            |json| {
                json.object(|object| {
                    object.text("a", "<\u{1}é");
                    object.labels("b", &[("x", "<\"")].into_iter().collect());
                    object.number("c", 0.25);
                    object.number("d", f64::NAN);
                    object.field("e").texts(["x"]);
                    object.time("f", None);
                    object.field("g").instant(Timestamp(-1_500));
                });
            },
            r#"{"a":"\u003c\u0001é","b":{"x":"<\""},"c":0.25,"d":null,"e":["x"],"f":"0001-01-01T00:00:00Z","g":-1.500}"#,
        );
    }
}
