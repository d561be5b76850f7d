//! What is asked of a model that looks at pictures.

/// What is asked of a model that looks at pictures; nothing of it matters to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Look {
    /// Height and width of the pictures; those of the configuration if there are none.
    pub size: Option<[usize; 2]>,
    /// Positions are stretched to the pictures' size, where the model leaves a choice.
    pub stretch: bool,
    /// What it reads.
    pub reads: Reads,
    /// How many pictures there are, where that is fixed; prompts are about one if it is not.
    pub pictures: usize,
    /// What says which part of a picture is meant.
    pub prompts: Prompts,
}

/// Which part of a model runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reads {
    /// All of it.
    #[default]
    All,
    /// What looks at pictures, up to their embeddings.
    Pictures,
    /// What reads texts, or prompts together with the embeddings of pictures.
    Rest,
}

/// Kinds of prompts that are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prompts {
    /// Points with labels.
    pub points: bool,
    /// Boxes.
    pub boxes: bool,
    /// Masks of an earlier answer.
    pub masks: bool,
    /// The three masks of an ambiguous prompt are wanted, not the one of a clear prompt.
    pub multimask: bool,
}

impl Default for Prompts {
    /// All, so that a graph reads every weight.
    fn default() -> Self {
        Self { points: true, boxes: true, masks: true, multimask: true }
    }
}
