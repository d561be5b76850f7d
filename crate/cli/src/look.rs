//! `dynasty classify-image`, and pictures of `dynasty embed`

use std::path::{Path, PathBuf};

use pictures::Picture;
use run::tasks::{Label, Matcher, Normalize, Viewer};
use serde_json::json;

use crate::args::{ClassifyImage, Embed};
use crate::failure::Failure;
use crate::source;

/// The largest file of a picture.
const LARGEST: u64 = 256 << 20;

/// Reads a picture.
pub fn read(path: &Path) -> Result<Picture, Failure> {
    let about = std::fs::metadata(path).map_err(|error| Failure::file(path, error))?;
    if !about.is_file() {
        return Err(Failure::file(path, "not a regular file"));
    }
    if about.len() > LARGEST {
        return Err(Failure::file(path, format!("{} bytes are too many for a picture", about.len())));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    pictures::decode(&path.display().to_string(), &bytes).map_err(|error| Failure(error.to_string()))
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Picture>, Failure> {
    paths.iter().map(|path| read(path)).collect()
}

pub async fn classify(args: ClassifyImage) -> Result<(), Failure> {
    let seen = read_all(&args.image)?;
    let model = source::load(&args.model).await?;
    let mut classes = if args.label.is_empty() {
        Viewer::new(model).await?.classify(&seen).await?
    } else {
        let matcher = Matcher::new(model).await?;
        let mut all = Vec::with_capacity(seen.len());
        for picture in &seen {
            all.push(matcher.fit(picture, &args.label, &args.template).await?);
        }
        all
    };
    classes.iter_mut().for_each(|classes| classes.truncate(args.top));
    if args.json {
        println!("{}", json!({ "classes": classes }));
        return Ok(());
    }
    for (path, classes) in args.image.iter().zip(classes) {
        println!("{}", path.display());
        classes.iter().for_each(|Label { label, score }| println!("{score:.4}  {label}"));
    }
    Ok(())
}

/// Vectors of pictures, and of texts in the same space where a model reads both.
pub async fn embed(args: Embed) -> Result<(), Failure> {
    let seen = read_all(&args.image)?;
    let model = std::rc::Rc::new(source::load(&args.model).await?);
    let normalize = if args.no_normalize { Normalize::No } else { Normalize::Yes };
    let mut vectors = Viewer::new(model.clone()).await?.embed(&seen, normalize).await?;
    if !args.text.is_empty() {
        vectors.extend(Matcher::new(model).await?.embed_texts(&args.text).await?);
    }
    print_vectors(&vectors, args.json);
    Ok(())
}

/// Vectors as JSON or one a line.
pub fn print_vectors(vectors: &[Vec<f32>], as_json: bool) {
    if as_json {
        println!("{}", json!({ "embeddings": vectors }));
        return;
    }
    for vector in vectors {
        let values: Vec<String> = vector.iter().map(|value| format!("{value:.6}")).collect();
        println!("{}", values.join(" "));
    }
}
