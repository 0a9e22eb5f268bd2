//! The built-in table of models.

use std::sync::LazyLock;

use super::Price;

/// The table; its head says where the figures are from and when they were read.
const TABLE: &str = include_str!("../../assets/models.csv");

/// The columns of the table, in order.
const COLUMNS: [&str; 10] = [
    "provider",
    "model",
    "aliases",
    "context_window",
    "max_output",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "source",
];

/// A model of the built-in table.
#[derive(Debug, Clone, PartialEq)]
pub struct CataloguedModel {
    pub name: &'static str,
    /// Other names that the same model answers to.
    pub aliases: Vec<&'static str>,
    pub provider: &'static str,
    /// Tokens.
    pub context_window: Option<u64>,
    pub price: Price,
}

/// Every model of the table, in its order.
pub fn models() -> &'static [CataloguedModel] {
    static MODELS: LazyLock<Vec<CataloguedModel>> = LazyLock::new(|| {
        // A row that cannot be read would be left out here; a test holds that there is none.
        rows(TABLE).filter_map(model).collect()
    });
    &MODELS
}

/// The model of this name or alias: at this provider where one is given, else the first that is listed.
pub fn find(name: &str, provider: Option<&str>) -> Option<&'static CataloguedModel> {
    let at_provider =
        || models().iter().filter(move |model| provider.is_none_or(|provider| provider == model.provider));
    at_provider()
        .find(|model| model.name == name)
        .or_else(|| at_provider().find(|model| model.aliases.contains(&name)))
}

/// The cells of each row below the head. The table quotes nothing, so a comma always parts two cells.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .skip(1)
        .map(|line| line.split(',').collect())
}

fn model(cells: Vec<&'static str>) -> Option<CataloguedModel> {
    let [provider, name, aliases, context_window, _, input, output, cached_input, _, _]: [&str;
        COLUMNS.len()] = cells.try_into().ok()?;
    Some(CataloguedModel {
        name,
        aliases: aliases.split('|').filter(|alias| !alias.is_empty()).collect(),
        provider,
        context_window: context_window.parse().ok(),
        price: Price {
            input: input.parse().ok()?,
            // Embedding models put nothing out; their rows may leave the cell empty.
            output: if output.is_empty() { 0.0 } else { output.parse().ok()? },
            cached_input: if cached_input.is_empty() { None } else { Some(cached_input.parse().ok()?) },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(name: &str, provider: Option<&str>, expect: Option<(&str, f64, f64, Option<f64>)>) {
        let found =
            find(name, provider).map(|m| (m.provider, m.price.input, m.price.output, m.price.cached_input));
        assert_eq!(found, expect);
    }

    #[test]
    fn models_are_found_by_name_and_alias() {
        check("gpt-4o", None, Some(("openai", 2.5, 10.0, Some(1.25))));
        check("gpt-4o-2024-08-06", None, Some(("openai", 2.5, 10.0, Some(1.25))));
        check("gpt-4o-mini", Some("openai"), Some(("openai", 0.15, 0.6, Some(0.075))));
        check("claude-sonnet-4-5", None, Some(("anthropic", 3.0, 15.0, Some(0.3))));
        check("gpt-4-turbo", None, Some(("openai", 10.0, 30.0, None)));
        check("mistral-embed", None, Some(("mistral", 0.1, 0.0, None)));
        check("gpt-4o", Some("azure"), None);
        check("GPT-4o", None, None);
        check("", None, None);
    }

    #[test]
    fn a_name_at_two_providers_needs_one_to_mean_the_second() {
        check("openai/gpt-oss-120b", None, Some(("together", 0.15, 0.6, None)));
        check("openai/gpt-oss-120b", Some("together"), Some(("together", 0.15, 0.6, None)));
        check("openai/gpt-oss-120b", Some("groq"), Some(("groq", 0.15, 0.6, Some(0.075))));
    }

    #[test]
    fn every_row_is_read_and_none_is_quoted_or_listed_twice() {
        let head = TABLE.lines().find(|line| !line.starts_with('#')).unwrap();
        assert_eq!(head.split(',').collect::<Vec<_>>(), COLUMNS);
        let mut names = BTreeSet::new();
        for cells in rows(TABLE) {
            assert!(!cells.iter().any(|cell| cell.contains('"') || cell.trim() != *cell), "{cells:?}");
            let Some(model) = model(cells.clone()) else { panic!("cannot read {cells:?}") };
            for amount in [model.price.input, model.price.output, model.price.cached_input.unwrap_or(0.0)] {
                assert!(amount.is_finite() && amount >= 0.0, "{cells:?}");
            }
            assert_eq!(model.context_window.is_some(), !cells[3].is_empty(), "{cells:?}");
            for name in model.aliases.iter().chain([&model.name]) {
                assert!(names.insert((model.provider, *name)), "twice: {name}");
            }
        }
        assert_eq!(models().len(), rows(TABLE).count());
    }
}
