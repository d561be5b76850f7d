//! From a recipe to a file.

use std::fs::File;
use std::ops::ControlFlow;
use std::time::Instant;

use format::AtomicFile;
use format::gguf::{Array, Metadata, Value};

use super::{Corpus, CorpusBuilder, Progress, Recipe, Vocabulary, train};
use crate::Error;
use crate::data::{self, Document};
use crate::recipe::DataSpec;

/// What became of a recipe.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// Words with a vector.
    pub words: usize,
    /// Words in the texts, those without a vector left out.
    pub tokens: usize,
    /// Seconds of reading.
    pub read_seconds: f64,
    /// Seconds of training.
    pub train_seconds: f64,
    /// Words of the texts a second, each epoch's counted.
    pub words_per_second: f64,
    /// The last loss, see [`Progress::loss`].
    pub loss: f64,
}

impl Recipe {
    /// Reads all texts.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Data`] if a file cannot be read or is damaged; [`Error::Data`] if no word is left.
    pub fn corpus(&self) -> Result<Corpus, Error> {
        let Vocabulary { min_count, max_words, ignore } = &self.vocabulary;
        let mut builder = CorpusBuilder::new(ignore);
        for spec in &self.data {
            self.read(spec, &mut builder)?;
        }
        let corpus = builder.build(*min_count, *max_words);
        if corpus.is_empty() {
            let reason = format!("the texts hold no word that comes {min_count} times");
            return Err(Error::data(&self.data_root.display().to_string(), 0, reason));
        }
        Ok(corpus)
    }

    fn read(&self, spec: &DataSpec, builder: &mut CorpusBuilder) -> Result<(), Error> {
        let mut left = spec.limit.unwrap_or(usize::MAX);
        for file in &spec.files {
            let path = self.data_root.join(file);
            let bytes = File::open(&path).and_then(data::unpacked).map_err(|error| Error::io(&path, error))?;
            data::read(spec, &path.display().to_string(), bytes, &mut |_, document| {
                if left > 0 && document.chars() >= spec.min_chars {
                    left -= 1;
                    builder.add(&text(document));
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Reads the texts, learns the vectors and writes the file, which appears when it is whole. A run takes minutes
    /// and is not resumed: one that is stopped by `progress` leaves no file, and gives no report.
    ///
    /// # Errors
    /// As [`Recipe::corpus`]; [`Error::Diverged`] if a vector is no finite number; [`Error::Format`] if the file cannot
    /// be written.
    pub fn run(
        &self,
        threads: usize,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Option<Report>, Error> {
        // Made first: a folder that is not there is told before the work.
        let sink = AtomicFile::create(&self.output)?;
        let start = Instant::now();
        let corpus = self.corpus()?;
        let read_seconds = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let mut last = Progress::default();
        let mut stopped = false;
        let vectors = train(&corpus, &self.train, self.seed, threads, &mut |told| {
            last = told;
            stopped |= progress(told).is_break();
            if stopped || !told.loss.is_finite() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let train_seconds = start.elapsed().as_secs_f64();
        if stopped {
            return Ok(None);
        }
        let diverged = |reason: String| Error::Diverged { step: last.done, reason };
        if !last.loss.is_finite() {
            return Err(diverged(format!("the loss is {}; the learning rate may be too large", last.loss)));
        }
        let table = vectors.table(&corpus).map_err(diverged)?;
        let Some(ty) = self.quant() else { return Err(Error::recipe(&self.name, "quant", "is no quant type")) };
        let name = self.output.display().to_string();
        table.write_gguf(sink, &name, ty, &self.about())?.commit()?;
        Ok(Some(Report {
            words: corpus.words.len(),
            tokens: corpus.len(),
            read_seconds,
            train_seconds,
            words_per_second: last.done as f64 / train_seconds,
            loss: last.loss,
        }))
    }

    /// What the file says of itself.
    fn about(&self) -> Metadata {
        let mut about = Metadata::default();
        let mut licences: Vec<String> = Vec::new();
        for data in &self.data {
            let credit = if data.credit.is_empty() { String::new() } else { format!(" ({})", data.credit) };
            licences.push(format!("{}: {}{credit}", data.name, data.licence));
        }
        about.insert("general.name", Value::String(self.name.clone()));
        about.insert("general.description", Value::String(self.description.clone()));
        about.insert("word2vec.sources", Value::Array(Array::String(licences)));
        about
    }
}

/// The words of all who speak, a paragraph each.
fn text(document: Document) -> String {
    match document {
        Document::Text(text) => text,
        Document::Dialogue(messages) => {
            messages.into_iter().map(|message| message.content).collect::<Vec<_>>().join("\n\n")
        }
    }
}
