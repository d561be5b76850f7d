//! What encoders are used for, against the reference's pipelines (`tests/fixtures/make_tasks.py`).

use std::rc::Rc;

use dynasty_run::tasks::{AnswerOptions, Embedding, Pooling};
use dynasty_run::tokenizer::Spans;
use dynasty_run::{DeviceChoice, LoadOptions, Model, Reader, Source, Tokenizer, TokenizerConfig};
use format::DirFolder;
use serde_json::Value;

use crate::shared::fixture;

/// Runs a test on a folder of fixtures, in single precision on the processor.
fn with(name: &str, test: impl AsyncFn(&Reader, &Value)) {
    pollster::block_on(async {
        let folder = fixture("tasks").join(name);
        let cases = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
        let source = Source::Folder(Rc::new(DirFolder::new(&folder).unwrap()));
        let options = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        let model = Model::open(source, &options, &mut |_| ()).await.unwrap();
        test(&Reader::new(model).await.unwrap(), &cases).await;
    });
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_string()
}

#[track_caller]
fn near(what: &str, got: f32, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    assert!((f64::from(got) - wanted).abs() < 2e-5 * wanted.abs().max(1.0), "{what}: {got}, expected {wanted}");
}

#[test]
fn embeddings() {
    with("embed", async |reader, cases| {
        let texts: Vec<String> = cases["texts"].as_array().unwrap().iter().map(text).collect();
        for (name, pooling, normalize) in
            [("mean", Pooling::Mean, true), ("cls", Pooling::Cls, true), ("max_raw", Pooling::Max, false)]
        {
            let vectors = reader.embed(&texts, Embedding { pooling, normalize }).await.unwrap();
            assert_eq!(vectors.len(), texts.len());
            for (i, vector) in vectors.iter().enumerate() {
                let wanted = cases[name][i].as_array().unwrap();
                assert_eq!(vector.len(), wanted.len());
                vector.iter().zip(wanted).for_each(|(got, wanted)| near(&format!("{name} {i}"), *got, wanted));
            }
        }
        let own = reader.embedding().await.unwrap();
        assert_eq!(own, Embedding { pooling: Pooling::Mean, normalize: true });
        assert!(reader.fill_mask("a [MASK]", 1).await.unwrap_err().to_string().contains("does not fill masks"));
    });
}

#[test]
fn embeddings_through_layers_behind_the_pooling() {
    with("embed_dense", async |reader, cases| {
        let texts: Vec<String> = cases["texts"].as_array().unwrap().iter().map(text).collect();
        let vectors = reader.embed(&texts, reader.embedding().await.unwrap()).await.unwrap();
        for (i, vector) in vectors.iter().enumerate() {
            let wanted = cases["mean"][i].as_array().unwrap();
            assert_eq!((vector.len(), wanted.len()), (12, 12));
            vector.iter().zip(wanted).for_each(|(got, wanted)| near(&format!("dense {i}"), *got, wanted));
        }
    });
}

#[test]
fn masks() {
    with("fill_mask", async |reader, cases| {
        for case in cases.as_array().unwrap() {
            let masks = reader.fill_mask(case["text"].as_str().unwrap(), 4).await.unwrap();
            // The reference gives one list for one mask, and lists for several.
            let several = masks.len() > 1;
            for (i, mask) in masks.iter().enumerate() {
                let wanted = if several { &case["result"][i] } else { &case["result"] };
                for (j, filled) in mask.candidates.iter().enumerate() {
                    assert_eq!(u64::from(filled.token), wanted[j]["token"].as_u64().unwrap(), "{case}");
                    assert_eq!(filled.token_str, wanted[j]["token_str"].as_str().unwrap());
                    near("score", filled.score, &wanted[j]["score"]);
                    if !several {
                        assert_eq!(filled.sequence, wanted[j]["sequence"].as_str().unwrap());
                    }
                }
                assert_eq!(mask.candidates.len(), 4);
            }
        }
        assert!(reader.fill_mask("no mask", 1).await.unwrap_err().to_string().contains("has no [MASK]"));
    });
}

#[test]
fn classes() {
    for name in ["classify", "classify_multi", "classify_number"] {
        with(name, async |reader, cases| {
            let cases = cases.as_array().unwrap();
            let given = |case: &Value| (text(&case["text"]), case["text_pair"].as_str().map(str::to_string));
            let texts: Vec<_> = cases.iter().map(given).collect();
            let all = reader.classify(&texts).await.unwrap();
            for (case, labels) in cases.iter().zip(&all) {
                let wanted = case["result"].as_array().unwrap();
                assert_eq!(labels.len(), wanted.len());
                for (label, wanted) in labels.iter().zip(wanted) {
                    assert_eq!(label.label, wanted["label"].as_str().unwrap(), "{name}: {case}");
                    near(name, label.score, &wanted["score"]);
                }
            }
        });
    }
}

#[test]
fn entities() {
    with("entities", async |reader, cases| {
        for case in cases.as_array().unwrap() {
            let given = text(&case["text"]);
            let found = reader.entities(&given).await.unwrap();
            let wanted = case["result"].as_array().unwrap();
            assert_eq!(found.len(), wanted.len(), "{case} {found:?}");
            for (entity, wanted) in found.iter().zip(wanted) {
                assert_eq!(entity.label, wanted["entity_group"].as_str().unwrap(), "{case}");
                let place = (entity.start as u64, entity.end as u64);
                assert_eq!(place, (wanted["start"].as_u64().unwrap(), wanted["end"].as_u64().unwrap()), "{case}");
                near("score", entity.score, &wanted["score"]);
                assert_eq!(
                    entity.word,
                    given.chars().skip(entity.start).take(entity.end - entity.start).collect::<String>()
                );
            }
        }
    });
}

#[test]
fn answers() {
    with("answer", async |reader, cases| {
        for case in cases.as_array().unwrap() {
            // Rows of 40 tokens that share 20, as the fixture says.
            let options = AnswerOptions { top_k: 3, longest: 15, overlap: 20 };
            let (question, context) = (text(&case["question"]), text(&case["context"]));
            let found = reader.answer(&question, &context, options).await.unwrap();
            let wanted = case["result"].as_array().unwrap();
            assert_eq!(found.len(), wanted.len(), "{case}");
            for (answer, wanted) in found.iter().zip(wanted) {
                assert_eq!(answer.answer, wanted["answer"].as_str().unwrap(), "{case}");
                assert_eq!(answer.start as u64, wanted["start"].as_u64().unwrap());
                near("score", answer.score, &wanted["score"]);
            }
        }
        let long = "cat ".repeat(60);
        assert!(
            reader.answer(&long, "a", AnswerOptions::default()).await.unwrap_err().to_string().contains("of 40 tokens")
        );
    });
}

/// The words of a byte-level tokenizer begin behind their space, in a pair too, and each stretch has all of its tokens.
#[test]
fn places_of_tokens() {
    let text = std::fs::read(fixture("tokenizers/byte_bpe/tokenizer.json")).unwrap();
    let mut json: Value = serde_json::from_slice(&text).unwrap();
    json["post_processor"] = serde_json::json!({"type": "RobertaProcessing", "sep": ["<|end|>", 2], "cls": ["<|begin|>", 1],
        "trim_offsets": true, "add_prefix_space": false});
    let tokenizer = Tokenizer::from_json(json.to_string().as_bytes(), &TokenizerConfig::default()).unwrap();
    let (first, second) = ("the small cat", "a house by the old river");
    let shown = |spans: &Spans, which: usize, text: &str| -> String {
        let places = spans.places.iter().flatten().filter(|place| place.text == which);
        places.map(|place| text[place.bytes.clone()].to_string()).collect()
    };
    assert_eq!(shown(&tokenizer.spans(first, 100).unwrap(), 0, first), "thesmallcat");
    let whole = tokenizer.pair_spans(first, second, 100, 0).unwrap();
    assert_eq!((whole.len(), shown(&whole[0], 0, first).as_str()), (1, "thesmallcat"));
    assert_eq!(shown(&whole[0], 1, second), "ahousebytheoldriver");
    let longest = whole[0].ids.len() - 3;
    let rows = tokenizer.pair_spans(first, second, longest, 1).unwrap();
    assert!(rows.len() > 1 && rows.iter().all(|row| row.ids.len() <= longest));
    assert!(rows.iter().all(|row| shown(row, 0, first) == "thesmallcat"));
    assert!(shown(&rows[rows.len() - 1], 1, second).ends_with("river"));
}
