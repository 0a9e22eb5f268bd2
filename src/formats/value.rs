//! YAML and JSON as plain values.

use serde::Serialize;
use serde_json::Value;

/// Why a text is not what its file name promises.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("it is not YAML: {0}")]
    Yaml(String),
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it cannot be written as YAML: {0}")]
    Write(String),
    #[error("{0}")]
    Shape(String),
}

/// Reads YAML of any shape.
pub fn yaml(text: &str) -> Result<Value, FormatError> {
    serde_yaml::from_str(text).map_err(|error| FormatError::Yaml(error.without_snippet().to_string()))
}

/// Reads JSON of any shape.
pub fn json(text: &str) -> Result<Value, FormatError> {
    Ok(serde_json::from_str(text)?)
}

/// Writes a value as YAML.
pub fn yaml_to_string(value: &impl Serialize) -> Result<String, FormatError> {
    serde_yaml::to_string(value).map_err(|error| FormatError::Write(error.to_string()))
}
