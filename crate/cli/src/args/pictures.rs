//! The command line of what is done with pictures.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};

use super::shared::ModelArgs;

#[derive(Group)]
pub struct Segment {
    /// A PNG, JPEG, WebP, GIF or BMP file.
    pub image: PathBuf,
    #[command(flatten)]
    pub model: ModelArgs,
    /// A point on the object, or with ,0 beside it; all points are about one object.
    #[arg(long, value_name = "X,Y[,0|1]", allow_hyphen_values = true)]
    pub point: Vec<String>,
    /// A box around the object; several boxes are several objects.
    #[arg(long = "box", value_name = "X0,Y0,X1,Y1", allow_hyphen_values = true)]
    pub area: Vec<String>,
    /// One more object: its points and its box, with ; between them.
    #[arg(long, value_name = "X,Y;X,Y,0;X0,Y0,X1,Y1", allow_hyphen_values = true)]
    pub object: Vec<String>,
    /// Everything that these words mean; needs --clip.
    #[arg(long, value_name = "WORDS", requires = "clip")]
    pub text: Vec<String>,
    /// The CLIP model that rates objects by words.
    #[arg(long, value_name = "MODEL")]
    pub clip: Option<PathBuf>,
    /// Everything that there is.
    #[arg(long)]
    pub everything: bool,
    /// Which masks of an ambiguous prompt.
    #[arg(long, value_enum, default_value_t = MasksArg::Best)]
    pub masks: MasksArg,
    #[command(flatten)]
    pub search: Search,
    /// A file to write, by its ending: .json, .svg or .png; may be given several times.
    #[arg(long)]
    pub out: Vec<PathBuf>,
    /// A .png has the object itself, cut out, and not its mask.
    #[arg(long)]
    pub cutout: bool,
    /// JSON has outlines too.
    #[arg(long)]
    pub polygons: bool,
    /// JSON has run lengths as numbers, not as COCO's text.
    #[arg(long)]
    pub uncompressed: bool,
    /// Corners of outlines that lie nearer than so many pixels to a line are left out.
    #[arg(long, default_value_t = 0.0)]
    pub tolerance: f64,
    /// Print what a .json file would have.
    #[arg(long)]
    pub json: bool,
}

/// Which masks of an ambiguous prompt.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MasksArg {
    /// The one that the model rates highest.
    Best,
    /// All three.
    All,
}

/// How everything is searched, see the defaults of the reference's automatic mask generator.
#[derive(Group)]
#[command(next_help_heading = "Options of --everything and --text")]
pub struct Search {
    /// Points a side of the grid.
    #[arg(long, default_value_t = 32)]
    pub points_per_side: usize,
    /// Points that are asked at once.
    #[arg(long, default_value_t = 16)]
    pub points_per_batch: usize,
    /// The least overlap with a true mask that the model expects.
    #[arg(long, default_value_t = 0.88)]
    pub pred_iou_thresh: f32,
    /// The least stability.
    #[arg(long, default_value_t = 0.95)]
    pub stability_score_thresh: f32,
    /// How far the threshold is moved to see whether a mask is stable.
    #[arg(long, default_value_t = 1.0)]
    pub stability_score_offset: f32,
    /// Logits above it are inside.
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true)]
    pub mask_threshold: f32,
    /// How much boxes of two objects may overlap.
    #[arg(long, default_value_t = 0.7)]
    pub box_nms_thresh: f64,
    /// Further rounds on crops: round i has 2^i a side.
    #[arg(long, default_value_t = 0)]
    pub crop_n_layers: usize,
    /// How much boxes of two objects of different crops may overlap.
    #[arg(long, default_value_t = 0.7)]
    pub crop_nms_thresh: f64,
    /// How much crops overlap.
    #[arg(long, default_value_t = 512.0 / 1500.0)]
    pub crop_overlap_ratio: f64,
    /// By what the points a side are divided from round to round.
    #[arg(long, default_value_t = 1)]
    pub crop_n_points_downscale_factor: usize,
    /// Holes and islands of fewer pixels are removed.
    #[arg(long, default_value_t = 0)]
    pub min_mask_region_area: usize,
    /// The least cosine of an object and the words.
    #[arg(long, default_value_t = 0.2, allow_hyphen_values = true)]
    pub least: f32,
    /// By how much an object may fit the words worse than the best one.
    #[arg(long, default_value_t = 0.03)]
    pub margin: f32,
}

#[derive(Group)]
pub struct ClassifyImage {
    /// PNG, JPEG, WebP, GIF or BMP files.
    #[arg(required = true)]
    pub image: Vec<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
    /// A label of one's own, for a model that also reads texts; may be given several times.
    #[arg(long)]
    pub label: Vec<String>,
    /// The sentence around a label.
    #[arg(long, default_value = run::tasks::TEMPLATE)]
    pub template: String,
    /// How many classes to show.
    #[arg(long, default_value_t = 5)]
    pub top: usize,
    /// Print `{"classes": [[{"label", "score"}]]}`.
    #[arg(long)]
    pub json: bool,
}
