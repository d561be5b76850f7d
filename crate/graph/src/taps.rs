//! Which named values somebody wants to see, asked for before the graph is built.

/// Patterns over tap names; `*` stands for any run of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taps(Vec<String>);

impl Taps {
    /// Nobody looks.
    pub fn none() -> Self {
        Self::default()
    }

    /// The names or patterns that are wanted, such as `blocks.*.attn.probs`.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// Whether a name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, name))
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_run() {
        let taps = Taps::new(["blocks.*.attn.probs", "hidden.0"]);
        for (name, wanted) in [
            ("blocks.3.attn.probs", true),
            ("blocks.12.attn.probs", true),
            ("blocks.3.mlp", false),
            ("hidden.0", true),
            ("hidden.01", false),
        ] {
            assert_eq!(taps.wants(name), wanted, "{name}");
        }
    }
}
