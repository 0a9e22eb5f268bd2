//! `print`, `println` and `printf` as Go's `fmt` writes them.

use super::{
    value::Value,
    verb::{Spec, write_value},
};

/// Widths and precisions beyond this are mistakes.
const LARGEST: usize = 1_000_000;

/// What a value looks like where its pointer, if it is one, is followed first.
pub(super) fn pointee(value: &Value) -> String {
    let text = print(std::slice::from_ref(value));
    match value {
        Value::Sample(_) => text.trim_start_matches('&').to_owned(),
        _ => text,
    }
}

/// A space between operands where neither is a string.
pub(super) fn print(values: &[Value]) -> String {
    let mut out = String::new();
    let mut after_string = true;
    for value in values {
        let is_string = matches!(value, Value::String(_) | Value::Html(_));
        if !is_string && !after_string {
            out.push(' ');
        }
        write_value(&mut out, value, 'v', Spec::default());
        after_string = is_string;
    }
    out
}

/// A space between all operands, and a line feed.
pub(super) fn println(values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        write_value(&mut out, value, 'v', Spec::default());
    }
    out.push('\n');
    out
}

/// A format in the making: what is left of it, and the next argument.
struct Formatter<'f> {
    format: &'f str,
    values: &'f [Value],
    next: usize,
    out: String,
    /// An argument was named by its number, so extra ones are no mistake.
    reordered: bool,
    good_number: bool,
}

pub(super) fn printf(format: &str, values: &[Value]) -> String {
    let mut formatter =
        Formatter { format, values, next: 0, out: String::new(), reordered: false, good_number: true };
    formatter.run();
    formatter.out
}

impl Formatter<'_> {
    fn run(&mut self) {
        while let Some(percent) = self.format.find('%') {
            self.out.push_str(&self.format[..percent]);
            self.format = &self.format[percent + 1..];
            self.good_number = true;
            let mut spec = self.flags();
            let mut after_number = self.argument_number();
            if self.skip('*') {
                self.star_width(&mut spec);
                after_number = false;
            } else {
                spec.width = self.number();
                if after_number && spec.width.is_some() {
                    self.good_number = false;
                }
            }
            // A point that ends the format is taken for the verb.
            if self.format.len() > 1 && self.skip('.') {
                if after_number {
                    self.good_number = false;
                }
                after_number = self.argument_number();
                if self.skip('*') {
                    self.star_precision(&mut spec);
                    after_number = false;
                } else {
                    spec.precision = Some(self.number().unwrap_or(0));
                }
            }
            if !after_number {
                self.argument_number();
            }
            let Some(verb) = self.format.chars().next() else {
                self.out.push_str("%!(NOVERB)");
                break;
            };
            self.format = &self.format[verb.len_utf8()..];
            self.verb(verb, spec);
        }
        self.out.push_str(self.format);
        if !self.reordered && self.next < self.values.len() {
            self.out.push_str("%!(EXTRA ");
            for (index, value) in self.values[self.next..].iter().enumerate() {
                if index > 0 {
                    self.out.push_str(", ");
                }
                if !matches!(value, Value::Nil) {
                    self.out.push_str(value.type_name());
                    self.out.push('=');
                }
                write_value(&mut self.out, value, 'v', Spec::default());
            }
            self.out.push(')');
        }
    }

    fn verb(&mut self, verb: char, mut spec: Spec) {
        if verb == '%' {
            self.out.push('%');
        } else if !self.good_number {
            self.mistake(verb, "(BADINDEX)");
        } else if let Some(value) = self.values.get(self.next) {
            if matches!(verb, 'v' | 'w') {
                (spec.sharp_v, spec.plus_v) = (spec.sharp, spec.plus);
                (spec.sharp, spec.plus) = (false, false);
            }
            write_value(&mut self.out, value, verb, spec);
            self.next += 1;
        } else {
            self.mistake(verb, "(MISSING)");
        }
    }

    fn mistake(&mut self, verb: char, what: &str) {
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push_str(what);
    }

    fn flags(&mut self) -> Spec {
        let mut spec = Spec::default();
        loop {
            match self.format.as_bytes().first() {
                Some(b'#') => spec.sharp = true,
                Some(b'0') => spec.zero = true,
                Some(b'+') => spec.plus = true,
                Some(b'-') => spec.minus = true,
                Some(b' ') => spec.space = true,
                _ => return spec,
            }
            self.format = &self.format[1..];
        }
    }

    fn skip(&mut self, c: char) -> bool {
        let rest = self.format.strip_prefix(c);
        self.format = rest.unwrap_or(self.format);
        rest.is_some()
    }

    /// A number; one that is far too long takes the rest of the format with it.
    fn number(&mut self) -> Option<usize> {
        let digits = self.format.bytes().take_while(u8::is_ascii_digit).count();
        let mut number = 0_usize;
        for digit in self.format[..digits].bytes() {
            if number > LARGEST {
                self.format = "";
                return None;
            }
            number = number * 10 + usize::from(digit - b'0');
        }
        self.format = &self.format[digits..];
        (digits > 0).then_some(number)
    }

    /// `[n]`: which argument comes next.
    fn argument_number(&mut self) -> bool {
        if !self.format.starts_with('[') {
            return false;
        }
        self.reordered = true;
        let Some(end) = self.format.find(']').filter(|_| self.format.len() > 2) else {
            self.format = &self.format[1..];
            self.good_number = false;
            return false;
        };
        let number = self.format[1..end].parse::<usize>();
        let valid = self.format[1..end].bytes().all(|byte| byte.is_ascii_digit());
        self.format = &self.format[end + 1..];
        match number {
            Ok(number) if valid && (1..=self.values.len()).contains(&number) => {
                self.next = number - 1;
                true
            }
            other => {
                self.good_number = false;
                valid && other.is_ok()
            }
        }
    }

    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next);
        self.next += usize::from(value.is_some());
        match value {
            Some(Value::Int(number)) => {
                Some(*number).filter(|number| number.unsigned_abs() <= LARGEST as u64)
            }
            Some(Value::Byte(number)) => Some(i64::from(*number)),
            _ => None,
        }
    }

    fn star_width(&mut self, spec: &mut Spec) {
        let width = self.star();
        if width.is_none() {
            self.out.push_str("%!(BADWIDTH)");
        }
        if width.is_some_and(|width| width < 0) {
            spec.minus = true;
            spec.zero = false;
        }
        spec.width = width.and_then(|width| usize::try_from(width.unsigned_abs()).ok());
    }

    fn star_precision(&mut self, spec: &mut Spec) {
        spec.precision = self.star().and_then(|precision| usize::try_from(precision).ok());
        if spec.precision.is_none() {
            self.out.push_str("%!(BADPREC)");
        }
    }
}
