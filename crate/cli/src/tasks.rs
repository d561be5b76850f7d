//! `dynasty embed`, `fill-mask`, `classify` and `answer`

use run::Reader;
use run::tasks::{AnswerOptions, Pooling};
use serde_json::{Value, json};

use crate::args::{Answer, Classify, Embed, FillMask};
use crate::failure::Failure;
use crate::{look, source};

pub async fn embed(args: Embed) -> Result<(), Failure> {
    let pooling = match &args.pooling {
        Some(name) => Some(Pooling::parse(name).ok_or_else(|| Failure(format!("--pooling: {name} is no pooling")))?),
        None => None,
    };
    let model = source::load(&args.model).await?;
    let reader = Reader::new(model).await?;
    let mut how = reader.embedding().await?;
    how.pooling = pooling.unwrap_or(how.pooling);
    how.normalize &= !args.no_normalize;
    let vectors = reader.embed(&args.text, how).await?;
    look::print_vectors(&vectors, args.json);
    Ok(())
}

pub async fn fill_mask(args: FillMask) -> Result<(), Failure> {
    let model = source::load(&args.model).await?;
    let masks = Reader::new(model).await?.fill_mask(&args.text, args.top).await?;
    if args.json {
        return print(&json!({ "masks": masks }));
    }
    for mask in masks {
        for filled in mask.candidates {
            println!("{:.4}  {:12}  {}", filled.score, filled.token_str, filled.sequence);
        }
    }
    Ok(())
}

pub async fn classify(args: Classify) -> Result<(), Failure> {
    if !args.pair.is_empty() && args.pair.len() != args.text.len() {
        return Err(Failure(format!("{} texts, but {} second ones", args.text.len(), args.pair.len())));
    }
    let model = source::load(&args.model).await?;
    let reader = Reader::new(model).await?;
    if reader.classifies_words() {
        return entities(&reader, &args).await;
    }
    let mut pairs = args.pair.into_iter();
    let texts: Vec<_> = args.text.into_iter().map(|text| (text, pairs.next())).collect();
    let classes = reader.classify(&texts).await?;
    if args.json {
        return print(&json!({ "classes": classes }));
    }
    for ((text, _), classes) in texts.iter().zip(classes) {
        println!("{text}");
        classes.iter().for_each(|class| println!("{:.4}  {}", class.score, class.label));
    }
    Ok(())
}

async fn entities(reader: &Reader, args: &Classify) -> Result<(), Failure> {
    let mut found = Vec::with_capacity(args.text.len());
    for text in &args.text {
        found.push(reader.entities(text).await?);
    }
    if args.json {
        return print(&json!({ "entities": found }));
    }
    for entity in found.iter().flatten() {
        println!("{:.4}  {:8}  {} ({}..{})", entity.score, entity.label, entity.word, entity.start, entity.end);
    }
    Ok(())
}

pub async fn answer(args: Answer) -> Result<(), Failure> {
    let model = source::load(&args.model).await?;
    let options = AnswerOptions { top_k: args.top, longest: args.longest, ..AnswerOptions::default() };
    let answers = Reader::new(model).await?.answer(&args.question, &args.text, options).await?;
    if args.json {
        return print(&json!({ "answers": answers }));
    }
    for answer in answers {
        println!("{:.4}  {} ({}..{})", answer.score, answer.answer, answer.start, answer.end);
    }
    Ok(())
}

fn print(value: &Value) -> Result<(), Failure> {
    println!("{value}");
    Ok(())
}
