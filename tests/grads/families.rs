//! Models that read texts, translate or look at pictures: every weight gets candle's gradient, and the loss changes as the
//! gradients say. The loss is a sum of results, each component with a factor of its own.

use graph::{Checkpointing, Reduce, Tensor, Training, Var};
use models::Model;
use run::ForwardInputs;
use serde_json::{Value, json};

use crate::suite::{Draft, check_with};

/// One number that depends on every component of the last axis in another way, or on the squares of what has no fixed
/// number of them.
fn mixed<'g>(d: &Draft<'g>, y: Var<'g>) -> Var<'g> {
    let each = match y.shape().last_known() {
        Some(n) => (y * d.floats([n], &dynasty_tests::Numbers::new(n as u64).normals(n))).reduce(Reduce::Sum),
        None => y * y,
    };
    each.reshape([each.shape().elements()]).reduce(Reduce::Sum)
}

fn check(name: &str, config: &Value, given: &ForwardInputs, results: &[&str]) {
    let model = Model::read("config.json", config).unwrap();
    let (call, inputs) = given.bind(&model).unwrap();
    let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    check_with(name, Training::default(), Checkpointing::None, &inputs, &|d| {
        model.write(d.g, &call).unwrap();
        let parts = results.iter().map(|name| mixed(d, d.g.result(name).unwrap()));
        parts.reduce(|a, b| a + b).unwrap()
    });
}

fn ids(rows: usize, tokens: usize, most: usize) -> Tensor {
    Tensor::i32([rows, tokens], (0..rows * tokens).map(|i| (3 + i * 7 % (most - 3)) as i32).collect()).unwrap()
}

fn texts(rows: usize, tokens: usize) -> ForwardInputs {
    ForwardInputs::tokens(ids(rows, tokens, 29))
}

fn pairs() -> ForwardInputs {
    texts(2, 5).with("decoder_input_ids", ids(2, 4, 23))
}

#[test]
fn encoders() {
    let bert = |architecture: &str| {
        json!({
            "architectures": [architecture], "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 24, "vocab_size": 31, "max_position_embeddings": 12, "type_vocab_size": 2,
        })
    };
    check("bert masked", &bert("BertForMaskedLM"), &texts(2, 5), &["logits"]);
    check("bert labels", &bert("BertForSequenceClassification"), &texts(2, 5), &["logits"]);
    check("roberta masked", &bert("RobertaForMaskedLM"), &texts(2, 5), &["logits"]);
}

#[test]
fn encoders_with_decoders() {
    let t5 = json!({
        "architectures": ["T5ForConditionalGeneration"], "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2,
        "num_heads": 2, "vocab_size": 31, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false,
    });
    check("t5", &t5, &pairs(), &["logits"]);
    let bart = json!({
        "architectures": ["BartForConditionalGeneration"], "d_model": 16, "encoder_layers": 2, "decoder_layers": 2,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
        "vocab_size": 31, "max_position_embeddings": 12, "activation_function": "gelu",
    });
    check("bart", &bart, &pairs(), &["logits"]);
}

/// A picture of the usual size.
fn picture(config: &Value) -> ForwardInputs {
    match Model::read("config.json", config).unwrap() {
        Model::Vision(vision) => ForwardInputs::usual(&vision).unwrap(),
        _ => panic!("looks at no pictures"),
    }
}

#[test]
fn models_that_look_at_pictures() {
    let tower = json!({
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "image_size": 12,
        "patch_size": 4, "num_labels": 3, "projection_dim": 8,
    });
    let mut vit = tower.clone();
    vit["architectures"] = json!(["ViTForImageClassification"]);
    check("vit", &vit, &picture(&vit), &["logits"]);
    // The tower for texts looks up rows of a table whose size is known at each run only, which has no gradient yet.
    let mut clip = tower.clone();
    clip["architectures"] = json!(["CLIPVisionModelWithProjection"]);
    check("clip", &clip, &picture(&clip), &["image_embeds"]);
}
