//! Checkpoints as they were first published, with other names than the reference library's.

use std::rc::Rc;

use dynasty_run::tasks::Segmenter;
use dynasty_run::tasks::segment::Prompt;
use dynasty_run::{DeviceChoice, LoadOptions, Model, Source};
use format::{Checkpoint, FileBytes, MemoryFolder, write_safetensors};

use crate::looking::picture;
use crate::shared::fixture;

/// What a weight was called in the first published checkpoints of SAM 2, as the library's script of conversion reads them.
fn as_first_published(name: &str) -> String {
    const PARTS: [(&str, &str); 26] = [
        ("vision_encoder.backbone.", "image_encoder.trunk."),
        ("vision_encoder.neck.", "image_encoder.neck."),
        ("patch_embed.projection", "patch_embed.proj"),
        ("no_memory_embedding", "no_mem_embed"),
        ("mask_embed.conv1", "mask_downscaling.0"),
        ("mask_embed.layer_norm1", "mask_downscaling.1"),
        ("mask_embed.conv2", "mask_downscaling.3"),
        ("mask_embed.layer_norm2", "mask_downscaling.4"),
        ("mask_embed.conv3", "mask_downscaling.6"),
        ("upscale_conv1", "output_upscaling.0"),
        ("upscale_layer_norm", "output_upscaling.1"),
        ("upscale_conv2", "output_upscaling.3"),
        ("layer_norm", "norm"),
        ("o_proj.", "out_proj."),
        ("shared_embedding.positional_embedding", "pe_layer.positional_encoding_gaussian_matrix"),
        ("head.layers.0.", "head.layers.1."),
        ("head.proj_in.", "head.layers.0."),
        ("head.proj_out.", "head.layers.2."),
        (".mlp.proj_in.", ".mlp.layers.0."),
        (".mlp.proj_out.", ".mlp.layers.1."),
        ("mlps.0.layers.0.", "mlps.0.layers.1."),
        ("mlps.1.layers.0.", "mlps.1.layers.1."),
        ("mlps.2.layers.0.", "mlps.2.layers.1."),
        ("mlps.3.layers.0.", "mlps.3.layers.1."),
        ("prompt_encoder.", "sam_prompt_encoder."),
        ("mask_decoder.", "sam_mask_decoder."),
    ];
    let mut name = PARTS.iter().fold(name.to_string(), |name, (now, then)| name.replace(now, then));
    if name.contains("mlps.") {
        name = name.replace(".proj_in.", ".layers.0.").replace(".proj_out.", ".layers.2.");
    }
    match name.strip_prefix("image_encoder.neck.convs.").and_then(|rest| rest.split_once('.')) {
        Some((level, end)) => format!("image_encoder.neck.convs.{level}.conv.{end}"),
        None => name,
    }
}

type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// Every tensor of the fixture, with one table of waves, which real checkpoints have in both places.
async fn library() -> Tensors {
    let file = FileBytes::open(fixture("models/sam2_points/model.safetensors")).unwrap();
    let whole = Checkpoint::open_file(Rc::new(file)).await.unwrap();
    let names: Vec<String> = whole.tensors().map(|info| info.name.clone()).collect();
    let mut tensors = Vec::new();
    for name in names {
        let from = if name.ends_with("positional_embedding") {
            "prompt_encoder.shared_embedding.positional_embedding"
        } else {
            &name
        };
        let (shape, values) = whole.read_f32(from).await.unwrap();
        tensors.push((name, shape, values));
    }
    tensors
}

/// The same with the names of the first published checkpoints, where each kind of point had a table of its own.
fn first_published(library: &Tensors) -> Tensors {
    let mut tensors = Tensors::new();
    for (name, shape, values) in library {
        if name == "prompt_encoder.point_embed.weight" {
            for (i, row) in values.chunks(shape[1]).enumerate() {
                let name = format!("sam_prompt_encoder.point_embeddings.{i}.weight");
                tensors.push((name, vec![1, shape[1]], row.to_vec()));
            }
        } else if !name.starts_with("shared_image_embedding") {
            tensors.push((as_first_published(name), shape.clone(), values.clone()));
        }
    }
    tensors
}

/// Logits and scores of a few prompts about a picture.
async fn answers(tensors: &Tensors) -> Vec<(f32, Vec<f32>)> {
    let mut folder = MemoryFolder::new("sam2");
    folder.insert("config.json", std::fs::read(fixture("models/sam2_points/config.json")).unwrap());
    folder.insert("model.safetensors", write_safetensors(tensors).unwrap());
    let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let model = Model::open(Source::Folder(Rc::new(folder)), &options, &mut |_| ()).await.unwrap();
    let mut segmenter = Segmenter::new(model).await.unwrap();
    segmenter.set_image(picture(0)).await.unwrap();
    let mut all = Vec::new();
    for prompt in [Prompt::at(20.0, 9.0), Prompt::around([4.0, 5.0, 18.0, 29.0])] {
        let answers = segmenter.predict(&prompt).await.unwrap();
        all.extend(answers.into_iter().map(|answer| (answer.score, answer.logits)));
    }
    all
}

#[test]
fn the_first_names_of_sam_2() {
    pollster::block_on(async {
        let library = library().await;
        let first = first_published(&library);
        for wanted in [
            "image_encoder.trunk.blocks.1.mlp.layers.0.weight",
            "image_encoder.neck.convs.3.conv.weight",
            "sam_mask_decoder.transformer.layers.1.mlp.layers.1.bias",
            "sam_mask_decoder.pred_obj_score_head.layers.2.weight",
            "sam_mask_decoder.output_hypernetworks_mlps.2.layers.1.weight",
            "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
            "sam_mask_decoder.transformer.norm_final_attn.weight",
        ] {
            assert!(first.iter().any(|(name, ..)| name == wanted), "{wanted}");
        }
        let answered = answers(&first).await;
        assert_eq!(answered.len(), 4);
        assert!(answered == answers(&library).await);
    });
}
