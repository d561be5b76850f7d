//! `cargo xtask train NAME`: one of the project's own models from nothing.

use anyhow::{Context, Result};

use crate::{sh::Sh, test, wasm::Profile};

/// The program's calls that make each model, in order. All of them go on where they ended when they are called again.
const MODELS: [(&str, &[&str]); 4] = [
    (
        "story-chat",
        &[
            "stories --model ../shared/data/tinystories-656k --temperature 0.6 --top-p 0.9 --stop <|end_story|> --seed 1 \
             --count 12000 --out target/train/stories-generated.jsonl",
            "train --recipe crate/train/recipes/story-chat-base.toml --resume",
            "train --recipe crate/train/recipes/story-chat.toml --resume",
        ],
    ),
    ("tiny-sam", &["train --recipe crate/train/recipes/tiny-sam.toml --resume"]),
    ("tiny-vit", &["train --recipe crate/train/recipes/tiny-vit.toml --resume"]),
    ("words-en", &["words --recipe crate/train/recipes/words-en.toml"]),
];

/// Trains the model of this name; `args` go to the calls that train, such as `--device wgpu`.
///
/// # Errors
/// There is none of this name, or a call fails.
pub fn train(name: &str, args: &[&str]) -> Result<()> {
    let names = MODELS.map(|(name, _)| name).join(", ");
    let (_, calls) = MODELS.into_iter().find(|(known, _)| *known == name).context(format!("take one of {names}"))?;
    test::build_program(Profile::Ci)?;
    for call in calls {
        let args = if call.starts_with("train") { args } else { &[] };
        Sh::new(test::program(Profile::Ci)?).words(call).args(args).run()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sh;

    #[test]
    fn every_recipe_is_part_of_a_model() {
        let known = MODELS.map(|(_, calls)| calls.join(" ")).join(" ");
        let recipes = std::fs::read_dir(sh::root().join("crate/train/recipes")).unwrap();
        let names = recipes.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        for name in names.filter(|name| name.ends_with(".toml")) {
            assert!(known.contains(&format!("crate/train/recipes/{name}")), "{name} is in no model");
        }
    }
}
