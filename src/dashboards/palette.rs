//! Grafana's colours by name, for the dark and the light theme, and its classic palette.
//!
//! Source: `@grafana/data`, `createVisualizationColors` and `fieldColor` (hex values and their order).

/// A colour with its opacity, 0 to 255 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgba {
    pub r: u8,
    pub g: u8,
    pub b: u8,
    pub a: u8,
}

/// A colour in both themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    pub dark: Rgba,
    pub light: Rgba,
}

const fn rgb(hex: u32) -> Rgba {
    let [_, r, g, b] = hex.to_be_bytes();
    Rgba { r, g, b, a: 255 }
}

/// Hues from their lightest to their darkest shade: six, of which the dark theme takes the first five and the light
/// theme the last five.
const HUES: [(&str, [u32; 6]); 6] = [
    ("red", [0xff_a6b0, 0xff_7383, 0xf2_495c, 0xe0_2f44, 0xc4_162a, 0xad_0317]),
    ("orange", [0xff_cb7d, 0xff_b357, 0xff_9830, 0xff_780a, 0xfa_6400, 0xe5_5400]),
    ("yellow", [0xff_f899, 0xff_ee52, 0xfa_de2a, 0xf2_cc0c, 0xe0_b400, 0xcc_9d00]),
    ("green", [0xc8_f2c2, 0x96_d98d, 0x73_bf69, 0x56_a64b, 0x37_872d, 0x19_730e]),
    ("blue", [0xc0_d8ff, 0x8a_b8ff, 0x57_94f2, 0x32_74d9, 0x1f_60c4, 0x12_50b0]),
    ("purple", [0xde_b6f2, 0xca_95e5, 0xb8_77d9, 0xa3_52cc, 0x8f_3bb8, 0x7c_2ea3]),
];

const SHADES: [&str; 5] = ["super-light-", "light-", "", "semi-dark-", "dark-"];

/// Names of CSS that dashboards use.
const NATIVE: [(&str, u32); 14] = [
    ("black", 0x00_0000),
    ("white", 0xff_ffff),
    ("gray", 0x80_8080),
    ("grey", 0x80_8080),
    ("lightgray", 0xd3_d3d3),
    ("darkgray", 0xa9_a9a9),
    ("cyan", 0x00_ffff),
    ("magenta", 0xff_00ff),
    ("pink", 0xff_c0cb),
    ("brown", 0xa5_2a2a),
    ("teal", 0x00_8080),
    ("navy", 0x00_0080),
    ("lime", 0x00_ff00),
    ("gold", 0xff_d700),
];

/// The palette that colours series in their order.
pub const CLASSIC: [&str; 64] = [
    "green",
    "semi-dark-yellow",
    "blue",
    "orange",
    "red",
    "purple",
    "dark-green",
    "dark-yellow",
    "dark-blue",
    "dark-orange",
    "dark-red",
    "dark-purple",
    "super-light-green",
    "super-light-yellow",
    "super-light-blue",
    "super-light-orange",
    "super-light-red",
    "super-light-purple",
    "#447EBC",
    "#C15C17",
    "#890F02",
    "#0A437C",
    "#6D1F62",
    "#584477",
    "#B7DBAB",
    "#F4D598",
    "#70DBED",
    "#F9BA8F",
    "#F29191",
    "#82B5D8",
    "#E5A8E2",
    "#AEA2E0",
    "#629E51",
    "#E5AC0E",
    "#64B0C8",
    "#E0752D",
    "#BF1B00",
    "#0A50A1",
    "#962D82",
    "#614D93",
    "#9AC48A",
    "#F2C96D",
    "#65C5DB",
    "#F9934E",
    "#EA6460",
    "#5195CE",
    "#D683CE",
    "#806EB7",
    "#3F6833",
    "#967302",
    "#2F575E",
    "#99440A",
    "#58140C",
    "#052B51",
    "#511749",
    "#3F2B5B",
    "#E0F9D7",
    "#FCEACA",
    "#CFFAFF",
    "#F9E2D2",
    "#FCE2DE",
    "#BADFF4",
    "#F9D9F9",
    "#DEDAF7",
];

/// Backgrounds of panels.
const PANEL: Colour = Colour { dark: rgb(0x18_1b1f), light: rgb(0xff_ffff) };
/// What a colour of a palette by name must stand out by, as a ratio of contrast (WCAG 2).
const LEAST_CONTRAST: f64 = 3.0;

impl Colour {
    pub const GRAY: Self = Self { dark: rgb(0x80_8080), light: rgb(0x80_8080) };
    pub const TEXT: Self = Self { dark: rgb(0xcc_ccdc), light: rgb(0x24_292e) };
    pub const TRANSPARENT: Self = {
        let none = Rgba { r: 0, g: 0, b: 0, a: 0 };
        Self { dark: none, light: none }
    };

    /// A colour by Grafana's name, `#hex`, `rgb(…)` or `rgba(…)`; grey where it is none of these.
    pub fn named(name: &str) -> Self {
        let name = name.trim();
        match name {
            "transparent" => return Self::TRANSPARENT,
            "text" => return Self::TEXT,
            "panel-bg" => return PANEL,
            _ => {}
        }
        for (hue, hex) in HUES {
            let Some(shade) = name.strip_suffix(hue) else { continue };
            if let Some(index) = SHADES.iter().position(|known| *known == shade) {
                return Self { dark: rgb(hex[index]), light: rgb(hex[index + 1]) };
            }
        }
        let native =
            || NATIVE.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, hex)| rgb(*hex));
        let plain = hex(name).or_else(|| function(name)).or_else(native);
        plain.map_or(Self::GRAY, |plain| Self { dark: plain, light: plain })
    }

    /// The palette's colour of the `index`th series.
    pub fn of_series(index: usize) -> Self {
        Self::named(CLASSIC[index % CLASSIC.len()])
    }

    /// The palette's colours of names that are drawn together: of those that stand out from the panel, by a hash of
    /// the name, as in Grafana.
    ///
    /// Where Grafana would give two of them one colour, the alphabetically later one gets the palette's first that is free.
    pub fn of_names(names: &[&str]) -> Vec<Self> {
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|index| names[*index]);
        let pick = |theme: fn(Self) -> Rgba| {
            let palette: Vec<Rgba> = CLASSIC
                .iter()
                .map(|name| theme(Self::named(name)))
                .filter(|colour| contrast(*colour, theme(PANEL)) >= LEAST_CONTRAST)
                .collect();
            let mut of_slot: Vec<Option<&str>> = vec![None; palette.len()];
            let mut picked = vec![theme(Self::GRAY); names.len()];
            for index in &order {
                let name = names[*index];
                let wanted = usize::try_from(hash(name)).unwrap_or(0) % palette.len().max(1);
                let is_free = |slot: &usize| of_slot[*slot].is_none_or(|taken| taken == name);
                // The palette begins with the colours that differ most.
                let free = [wanted].into_iter().chain(0..palette.len()).find(is_free);
                // With more names than colours, colours come again.
                let slot = free.unwrap_or(wanted);
                of_slot[slot] = Some(name);
                picked[*index] = palette[slot];
            }
            picked
        };
        let (dark, light) = (pick(|colour| colour.dark), pick(|colour| colour.light));
        dark.into_iter().zip(light).map(|(dark, light)| Self { dark, light }).collect()
    }

    /// Between the colours of a list, at `share` from 0 to 1.
    pub fn between(names: &[&str], share: f64) -> Self {
        let colours: Vec<Self> = names.iter().map(|name| Self::named(name)).collect();
        let Some(last) = colours.len().checked_sub(1) else { return Self::GRAY };
        let place = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) } * last as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the last index"
        )]
        let index = (place.floor() as usize).min(last);
        let (from, to) = (colours[index], colours[(index + 1).min(last)]);
        let part = place - place.floor();
        Self { dark: mixed(from.dark, to.dark, part), light: mixed(from.light, to.light, part) }
    }

    /// The same colour, `percent` opaque.
    #[must_use]
    pub fn opaque(self, percent: u16) -> Self {
        let faded = |colour: Rgba| {
            let a = u32::from(colour.a) * u32::from(percent.min(100)) / 100;
            Rgba { a: u8::try_from(a).unwrap_or(255), ..colour }
        };
        Self { dark: faded(self.dark), light: faded(self.light) }
    }

    pub fn is_transparent(self) -> bool {
        self.dark.a == 0 && self.light.a == 0
    }

    /// As CSS has it.
    pub fn css(self) -> String {
        if self.dark == self.light {
            return self.dark.css();
        }
        format!("light-dark({},{})", self.light.css(), self.dark.css())
    }

    /// Whether black text reads better on it than white text does; in the dark and in the light theme.
    pub fn wants_black(self) -> (bool, bool) {
        let black = |colour: Rgba| contrast(colour, rgb(0x11_1217)) > contrast(colour, rgb(0xff_ffff));
        (black(self.dark), black(self.light))
    }
}

impl Rgba {
    pub fn css(self) -> String {
        let Self { r, g, b, a } = self;
        if a == 255 { format!("#{r:02x}{g:02x}{b:02x}") } else { format!("#{r:02x}{g:02x}{b:02x}{a:02x}") }
    }
}

fn mixed(from: Rgba, to: Rgba, part: f64) -> Rgba {
    let channel = |from: u8, to: u8| {
        let value = f64::from(from) + (f64::from(to) - f64::from(from)) * part;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to u8's range")]
        let value = value.round().clamp(0.0, 255.0) as u8;
        value
    };
    Rgba {
        r: channel(from.r, to.r),
        g: channel(from.g, to.g),
        b: channel(from.b, to.b),
        a: channel(from.a, to.a),
    }
}

/// `#rgb`, `#rrggbb` or `#rrggbbaa`.
fn hex(name: &str) -> Option<Rgba> {
    let digits: Vec<u8> = name
        .strip_prefix('#')?
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    match *digits.as_slice() {
        [r, g, b] => Some(Rgba { r: r * 17, g: g * 17, b: b * 17, a: 255 }),
        [r, r2, g, g2, b, b2] => Some(Rgba { r: r * 16 + r2, g: g * 16 + g2, b: b * 16 + b2, a: 255 }),
        [r, r2, g, g2, b, b2, a, a2] => {
            Some(Rgba { r: r * 16 + r2, g: g * 16 + g2, b: b * 16 + b2, a: a * 16 + a2 })
        }
        _ => None,
    }
}

/// `rgb(1, 2, 3)` or `rgba(1, 2, 3, 0.5)`.
fn function(name: &str) -> Option<Rgba> {
    let inner = name.strip_prefix("rgba(").or_else(|| name.strip_prefix("rgb("))?.strip_suffix(')')?;
    let parts: Vec<f64> = inner.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let channel = |value: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to u8's range")]
        let value = value.round().clamp(0.0, 255.0) as u8;
        value
    };
    match *parts.as_slice() {
        [r, g, b] => Some(Rgba { r: channel(r), g: channel(g), b: channel(b), a: 255 }),
        [r, g, b, a] => Some(Rgba { r: channel(r), g: channel(g), b: channel(b), a: channel(a * 255.0) }),
        _ => None,
    }
}

/// The ratio of contrast of two colours, 1 to 21 (<https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio>).
fn contrast(one: Rgba, other: Rgba) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: Rgba) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.039_28 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    // Grafana rounds luminance to three digits before it compares.
    let luminance = 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b);
    (luminance * 1000.0).round() / 1000.0
}

/// The hash by which Grafana colours a name: djb2 with xor, from the last UTF-16 unit to the first.
fn hash(name: &str) -> u32 {
    let units: Vec<u16> = name.encode_utf16().collect();
    // The product is a double in JavaScript, whose low 32 bits survive: below 2^53 they are exact.
    units.iter().rev().fold(5381_u32, |hash, unit| hash.wrapping_mul(33) ^ u32::from(*unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, css: &str) {
        assert_eq!(Colour::named(name).css(), css);
    }

    #[test]
    fn colours_are_known_by_name_and_number() {
        check("red", "light-dark(#e02f44,#f2495c)");
        check("super-light-green", "light-dark(#96d98d,#c8f2c2)");
        check("dark-purple", "light-dark(#7c2ea3,#8f3bb8)");
        check("#abc", "#aabbcc");
        check("#0A437C", "#0a437c");
        check("#11223344", "#11223344");
        check("rgba(255, 0, 10, 0.5)", "#ff000a80");
        check("transparent", "#00000000");
        check("White", "#ffffff");
        check("url(x)", "#808080");
        check("red;background:url(x)", "#808080");
        check("#ééé", "#808080");
        check("", "#808080");
    }

    /// What `@grafana/data` 13.2.1 answers for each name by itself: dark, light.
    #[test]
    fn names_have_the_colours_that_grafana_gives_them() {
        for (name, dark, light) in [
            ("gpt-4o", "#f2495c", "#e0752d"),
            ("gpt-4o-mini", "#e0752d", "#511749"),
            ("claude-sonnet-4-5", "#806eb7", "#511749"),
            ("a", "#f9d9f9", "#19730e"),
            ("", "#dedaf7", "#1250b0"),
            ("mock", "#9ac48a", "#629e51"),
            ("Ünï", "#e0f9d7", "#3f6833"),
        ] {
            let colour = Colour::of_names(&[name])[0];
            assert_eq!((colour.dark.css().as_str(), colour.light.css().as_str()), (dark, light), "{name}");
        }
    }

    #[test]
    fn names_that_are_drawn_together_differ() {
        let colours = Colour::of_names(&["gpt-4o-mini", "claude-sonnet-4-5"]);
        assert_eq!((colours[0].dark.css().as_str(), colours[1].light.css().as_str()), ("#e0752d", "#511749"));
        assert_ne!(colours[0].light, colours[1].light);
        let names: Vec<String> = (0..500).map(|index| index.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(Colour::of_names(&names).len(), 500);
        assert_eq!(Colour::of_names(&["a", "a"])[0], Colour::of_names(&["a"])[0]);
    }
}
