//! Models and what they cost.

use crate::{
    catalogue,
    yaml::{Node, Value},
};

use super::{Model, Price, decode::Reader, name, scalar};

/// What a model is run by where nobody says.
const UNKNOWN_PROVIDER: &str = "unknown";

/// The models; items with mistakes are left out, `None` when `models` is no list.
pub(super) fn decode(root: &Node, reader: &mut Reader<'_>) -> Option<Vec<Model>> {
    let list = root.at("models")?;
    let Value::List(items) = &list.value else { return None };
    if items.is_empty() {
        reader.refuse(list, "`models` is empty", "name at least one model, or remove the key");
    }
    let mut names: Vec<(String, &Node)> = Vec::new();
    let mut models = Vec::new();
    for item in items {
        let Some(name_node) = name_node(item, reader) else { continue };
        let name = reader.scalar(name_node, name::label);
        if let Some(name) = &name {
            match names.iter().find(|(other, _)| other == name) {
                Some((_, first)) => reader.twice(name_node, first, "model"),
                None => names.push((name.clone(), name_node)),
            }
        }
        let provider = item.at("provider").map(|node| reader.scalar(node, name::label));
        let price = item.at("price").map(|node| price(node, reader));
        // What is wrong with a part that was given has been said by now.
        let (Some(name), None | Some(Some(_)), None | Some(Some(_))) = (name, &provider, price) else {
            continue;
        };
        models.extend(model(name, provider.flatten(), price.flatten(), name_node, reader));
    }
    Some(models)
}

/// The node that holds the name: the item itself where it is a single value.
fn name_node<'a>(item: &'a Node, reader: &mut Reader<'_>) -> Option<&'a Node> {
    match &item.value {
        Value::Scalar(_) => Some(item),
        Value::Map(_) => {
            let name = item.at("name");
            if name.is_none() {
                reader.refuse(item, "a model has no `name`", "add `name: gpt-4o`");
            }
            name
        }
        Value::Null | Value::List(_) => None,
    }
}

fn price(node: &Node, reader: &mut Reader<'_>) -> Option<Price> {
    let mut required = |key: &str| {
        if matches!(node.value, Value::Map(_)) && node.at(key).is_none() {
            let help =
                format!("add `{key}: 0.4`, US dollars per million tokens, or `{key}: 0` where it is free");
            reader.refuse(node, format!("the price has no `{key}`"), help);
        }
        reader.value(node, key, scalar::usd)
    };
    let (input, output) = (required("input"), required("output"));
    let cached_input = node.at("cached_input").map(|node| reader.scalar(node, scalar::usd));
    Some(Price {
        input: input?,
        output: output?,
        cached_input: match cached_input {
            None => None,
            Some(amount) => Some(amount?),
        },
    })
}

/// A model whose price, unless given, is in the table.
fn model(
    name: String,
    provider: Option<String>,
    price: Option<Price>,
    at: &Node,
    reader: &mut Reader<'_>,
) -> Option<Model> {
    let listed = catalogue::find(&name, provider.as_deref());
    let price = match (price, listed) {
        (Some(given), _) => given,
        (None, Some(listed)) => listed.price,
        (None, None) => {
            let (message, help) = unpriced(&name, provider.as_deref());
            reader.refuse(at, message, help);
            return None;
        }
    };
    let provider = provider
        .or_else(|| listed.map(|model| model.provider.to_owned()))
        .unwrap_or_else(|| UNKNOWN_PROVIDER.to_owned());
    Some(Model { name, provider, price })
}

fn unpriced(name: &str, provider: Option<&str>) -> (String, String) {
    let elsewhere = provider.and_then(|provider| Some((provider, catalogue::find(name, None)?)));
    if let Some((provider, model)) = elsewhere {
        let Price { input, output, .. } = model.price;
        return (
            format!("no price is known of `{name}` at `{provider}`"),
            format!(
                "`{}` takes `price: {{input: {input}, output: {output}}}`; write that, or the price you pay",
                model.provider
            ),
        );
    }
    let give = "give `price: {input: 0.4, output: 0.8}` in US dollars per million tokens, 0 where it is free";
    let known = catalogue::models().iter().filter(|model| provider.is_none_or(|at| at == model.provider));
    let meant = crate::text::nearest(name, known.map(|model| model.name));
    (
        format!("no price is known of the model `{name}`"),
        match meant {
            Some(meant) => format!("did you mean `{meant}`? Otherwise {give}"),
            None => give.to_owned(),
        },
    )
}
