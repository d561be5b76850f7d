//! Sentence embeddings (Reimers and Gurevych 2019, arXiv:1908.10084).

use models::Task;

use super::Reader;
use crate::Error;

/// How the tokens' vectors become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one's.
    Cls,
    /// The largest of each value.
    Max,
}

impl Pooling {
    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "mean" => Self::Mean,
            "cls" => Self::Cls,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// [T, C] → [C]
    fn pool(self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut pooled = rows[..width].to_vec();
        for row in rows.chunks_exact(width).skip(1) {
            match self {
                Self::Cls => break,
                Self::Mean => pooled.iter_mut().zip(row).for_each(|(sum, value)| *sum += value),
                Self::Max => pooled.iter_mut().zip(row).for_each(|(most, value)| *most = most.max(*value)),
            }
        }
        if self == Self::Mean {
            let n = (rows.len() / width) as f32;
            pooled.iter_mut().for_each(|sum| *sum /= n);
        }
        pooled
    }
}

/// How texts are embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    /// How the tokens' vectors become one.
    pub pooling: Pooling,
    /// Whether the vectors have length 1, so that their products are cosines.
    pub normalize: bool,
}

impl Reader {
    /// How the model's makers embed: by the files of sentence-transformers beside it, else the mean, normalised.
    ///
    /// # Errors
    /// A file is damaged, or asks for another kind of pooling.
    pub async fn embedding(&self) -> Result<Embedding, Error> {
        let files = &self.model.package().files;
        let mut embedding = Embedding { pooling: Pooling::Mean, normalize: true };
        if let Some((_, modules)) = files.json("modules.json").await? {
            let kinds = modules.as_array().into_iter().flatten().filter_map(|module| module["type"].as_str());
            embedding.normalize = kinds.into_iter().any(|kind| kind.ends_with("Normalize"));
        }
        let Some((file, pooling)) = files.json("1_Pooling/config.json").await? else { return Ok(embedding) };
        let on = |mode: &str| pooling[format!("pooling_mode_{mode}")].as_bool() == Some(true);
        let known = [("mean_tokens", Pooling::Mean), ("cls_token", Pooling::Cls), ("max_tokens", Pooling::Max)];
        let found = known.into_iter().find(|(mode, _)| on(mode));
        embedding.pooling = found.ok_or_else(|| Error::config(&file, "names no known kind of pooling"))?.1;
        Ok(embedding)
    }

    /// A vector for each text.
    ///
    /// # Errors
    /// The model has a head, or the device fails.
    pub async fn embed(&self, texts: &[String], embedding: Embedding) -> Result<Vec<Vec<f32>>, Error> {
        self.needs(Task::Base, "embed texts: that takes a model without a head")?;
        let rows = texts.iter().map(|text| self.spans(text)).collect::<Result<Vec<_>, _>>()?;
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in rows.chunks(self.batch) {
            let batch: Vec<_> = batch.iter().collect();
            let tokens = batch.iter().map(|row| row.ids.len()).max().unwrap_or(1).max(1);
            let out = self.run(&batch).await?;
            for (i, row) in batch.iter().enumerate() {
                let values = out.row(0, i);
                let width = values.len() / tokens;
                let mut vector = embedding.pooling.pool(&values[..row.ids.len().max(1) * width], width);
                for layer in &self.dense {
                    vector = layer.apply(&vector, &self.model.package().name())?;
                }
                if embedding.normalize {
                    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
                    vector.iter_mut().for_each(|value| *value /= length);
                }
                vectors.push(vector);
            }
        }
        Ok(vectors)
    }
}
