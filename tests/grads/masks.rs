//! Segment Anything in training: the loss of masks and of their ratings, through encoder, prompts and decoder.

use dynasty_tests::Executor;
use graph::{Checkpointing, Reduce, Tensor, Training};
use models::vision::sam::{Weighed, mask_loss};
use models::{Call, Model};
use serde_json::json;

use crate::suite::{Case, check, drawn};
use crate::without::{self, unexplained};

/// Focal and Dice loss of logits alone, whose differences are smooth.
#[test]
fn the_loss_of_masks() {
    let truth: Vec<f32> = (0..2 * 12).map(|i| [0.0, 1.0, 1.0, 0.25, 0.0][i % 5]).collect();
    for (name, weighed) in [
        ("focal and dice", Weighed::default()),
        ("focal alone", Weighed { dice: 0.0, ..Weighed::default() }),
        ("dice alone", Weighed { focal: 0.0, ..Weighed::default() }),
    ] {
        check(name, |d| {
            let masks = d.weight("masks", [2, 12, 3]).permute([0, 2, 1]);
            d.mixed(mask_loss(masks, d.floats([2, 1, 12], &truth), weighed))
        });
    }
    // Only the best of several learns.
    check("best", |d| {
        let masks = d.weight("masks", [2, 12, 3]).permute([0, 2, 1]);
        let each = mask_loss(masks, d.floats([2, 1, 12], &truth), Weighed::default()).reshape([2, 3]);
        (-(-each).reduce(Reduce::Max)).reshape([2]).reduce(Reduce::Sum)
    });
}

/// Of single precision, through three norms of a few values and a decoder behind them.
const DEEP: f64 = 1e-7;
const PICTURES: usize = 2;
const PROMPTS: usize = 9;
const ROWS: usize = models::vision::sam::TRAINED_ROWS;

/// Prompts of every kind: clicks, a box, a mask; the last rows are not there.
fn inputs() -> Vec<(&'static str, Tensor)> {
    let n = PICTURES * PROMPTS;
    let mut numbers = dynasty_tests::Numbers::new(3);
    let mut normals = |shape: &[usize]| {
        let len = shape.iter().product();
        Tensor::f32(shape.to_vec(), numbers.normals(len)).unwrap()
    };
    let places = (0..n * ROWS * 2).map(|i| (i * 7 % 16) as f32).collect();
    let labels: Vec<i32> = (0..n).flat_map(|i| [[1, 2, 3, 3, 3], [5, 6, 3, 3, 3], [1, 0, 4, 2, 3]][i % 3]).collect();
    let hidden = labels.iter().map(|label| if *label == 3 { -1e30 } else { 0.0 }).collect();
    // Nothing, everything, or some of it, so that each of the two masks is the best one once.
    let truth = (0..n * 256).map(|i| [0.0, 1.0, [0.0, 1.0, 0.5, 0.0][i * 5 % 7 % 4]][i / 256 % 3]).collect();
    vec![
        ("pixel_values", normals(&[PICTURES, 3, 16, 16])),
        ("input_points", Tensor::f32([PICTURES, PROMPTS, ROWS, 2], places).unwrap()),
        ("input_labels", Tensor::i32([PICTURES, PROMPTS, ROWS], labels).unwrap()),
        ("hidden", Tensor::f32([n, ROWS], hidden).unwrap()),
        ("input_masks", normals(&[PICTURES, PROMPTS, 16, 16])),
        ("masked", Tensor::f32([n], (0..n).map(|i| (i % 2) as f32).collect()).unwrap()),
        ("masks", Tensor::f32([1, n, 16, 16], truth).unwrap()),
        ("loss_weights", Tensor::f32([n], (0..n).map(|i| 0.1 + 0.05 * i as f32).collect()).unwrap()),
    ]
}

/// Every weight, with windows and tables of distances, whole and with blocks computed again.
#[test]
fn every_weight_of_the_model() {
    let config = json!({
        "architectures": ["SamModel"],
        "vision_config": {
            "hidden_size": 12, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 16, "patch_size": 4,
            "output_channels": 16, "window_size": 3, "global_attn_indexes": [1], "mlp_dim": 20,
        },
        "prompt_encoder_config": { "hidden_size": 16, "image_size": 16, "patch_size": 4, "mask_input_channels": 16 },
        "mask_decoder_config": {
            "hidden_size": 16, "mlp_dim": 20, "num_attention_heads": 2, "iou_head_hidden_dim": 12,
            "num_multimask_outputs": 2,
        },
    });
    let model = Model::read("config.json", &config).unwrap();
    let inputs = inputs();
    let given: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (*name, tensor)).collect();
    for keep in [Checkpointing::None, Checkpointing::EveryBlock] {
        let name = format!("segment anything {keep:?}");
        let case = Case {
            name: &name,
            training: Training::default(),
            keep,
            inputs: &given,
            executors: &Executor::TESTED,
            single: DEEP,
        };
        // The loss has steps in it, so that there are no differences to compare with.
        let checked = case.play(&|graph| drawn(&name, graph), &|d| {
            model.write(d.g, &Call::train_on(PICTURES)).unwrap();
            d.g.result("loss").unwrap()
        });
        let still: Vec<String> = checked.without().map(str::to_string).collect();
        let left = unexplained(without::GRADIENT, "sam", still.iter());
        assert!(left.is_empty(), "{name}: no gradient, and no reason for none: {left:?}");
        // A model that is saved has every weight that a model that is read needs.
        let whole = model.build(&Call::look(models::Look::default()), graph::Taps::none()).unwrap();
        let missing =
            whole.weights.iter().find(|spec| !checked.forward.weights.iter().any(|other| other.name == spec.name));
        assert!(missing.is_none(), "{missing:?} is not trained");
    }
}
