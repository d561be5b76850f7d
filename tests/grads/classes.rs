//! Classifiers of pictures in training: the loss by targets, whole and with blocks computed again.

use dynasty_tests::Executor;
use graph::{Checkpointing, Tensor, Training};
use models::{Call, Model};
use serde_json::json;

use crate::suite::{Case, SINGLE, drawn};
use crate::without::{self, unexplained};

#[test]
fn every_weight_of_a_classifier() {
    for (family, architecture) in [("vit", "ViTForImageClassification"), ("deit", "DeiTForImageClassification")] {
        let config = json!({
            "architectures": [architecture], "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
            "intermediate_size": 24, "image_size": 12, "patch_size": 4, "num_labels": 5,
        });
        let model = Model::read("config.json", &config).unwrap();
        let pixels = dynasty_tests::Numbers::new(3).normals(4 * 3 * 12 * 12);
        let pixels = Tensor::f32([4, 3, 12, 12], pixels).unwrap();
        // The third picture has no class.
        let targets = Tensor::i32([4], vec![4, 0, -100, 2]).unwrap();
        let weights = Tensor::f32([4], vec![0.2, 0.3, 0.4, 0.1]).unwrap();
        let inputs = [("pixel_values", &pixels), ("targets", &targets), ("loss_weights", &weights)];
        for keep in [Checkpointing::None, Checkpointing::Every(2)] {
            let name = format!("{family} {keep:?}");
            let training = Training { label_smoothing: 0.1, ..Training::default() };
            let executors = &Executor::TESTED;
            let case = Case { name: &name, training, keep, inputs: &inputs, executors, single: SINGLE };
            let checked = case.play(&|graph| drawn(&name, graph), &|d| {
                model.write(d.g, &Call::train()).unwrap();
                d.g.result("loss").unwrap()
            });
            checked.differences(&case);
            let still: Vec<String> = checked.without().map(str::to_string).collect();
            let left = unexplained(without::GRADIENT, family, still.iter());
            assert!(left.is_empty(), "{name}: no gradient, and no reason for none: {left:?}");
        }
    }
}
