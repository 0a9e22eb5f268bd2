//! The quantities that llmobs speaks of, and what a person calls them.

/// What can be asked of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    Models,
    Requests,
    Errors,
    InputTokens,
    OutputTokens,
    CachedInputTokens,
    Cost,
    Duration,
    FirstToken,
    PerOutputToken,
    Active,
    Queued,
    CacheUse,
}

impl Quantity {
    pub const ALL: [Self; 13] = [
        Self::Models,
        Self::Requests,
        Self::Errors,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CachedInputTokens,
        Self::Cost,
        Self::Duration,
        Self::FirstToken,
        Self::PerOutputToken,
        Self::Active,
        Self::Queued,
        Self::CacheUse,
    ];

    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Requests => "requests",
            Self::Errors => "errors by class",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            Self::CachedInputTokens => "cached input tokens",
            Self::Cost => "cost",
            Self::Duration => "duration",
            Self::FirstToken => "time to first token",
            Self::PerOutputToken => "time per output token",
            Self::Active => "active requests",
            Self::Queued => "queued requests",
            Self::CacheUse => "KV cache use",
        }
    }
}
