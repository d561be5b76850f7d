//! Analogy questions in sections, as in word2vec's `questions-words.txt`, and how many a set of vectors answers.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use format::Bytes;

use super::{WordVectors, top};
use crate::Error;

/// The longest list of questions in bytes; the usual one has 0.6 million.
const LONGEST: u64 = 64 << 20;
/// An answer among so many counts as found.
const FEW: usize = 5;
/// Scores that are held at once.
const SCORES: usize = 4 << 20;

/// Questions "A is to B as C is to D" in sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnalogySet {
    sections: Vec<(String, Vec<[String; 4]>)>,
}

/// How many questions of a section were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SectionReport {
    /// The section's name.
    pub name: String,
    /// Its questions.
    pub questions: usize,
    /// Those whose four words are in the vocabulary.
    pub known: usize,
    /// Those of them with the right word in the first place.
    pub first: usize,
    /// Those with the right word among the first five.
    pub first_five: usize,
}

/// How many questions were answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AnalogyReport {
    /// Each section.
    pub sections: Vec<SectionReport>,
    /// All of them.
    pub total: SectionReport,
}

impl AnalogySet {
    /// Reads a list: four words a line, lines that begin with a colon name the section of those that follow.
    ///
    /// # Errors
    /// [`Error::Questions`] with the line that is no UTF-8, has not four words, or if there is no question at all.
    pub async fn read(file: &dyn Bytes) -> Result<AnalogySet, Error> {
        if file.len() > LONGEST {
            return Err(Error::questions(file.name(), 1, format!("{} bytes are too many for a list", file.len())));
        }
        AnalogySet::parse(file.name(), &file.read(0..file.len()).await?)
    }

    /// As [`AnalogySet::read`]; `name` is for error messages.
    ///
    /// # Errors
    /// As [`AnalogySet::read`].
    pub fn parse(name: &str, bytes: &[u8]) -> Result<AnalogySet, Error> {
        let mut set = AnalogySet::default();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let fail = |reason: &str| Error::questions(name, index + 1, reason);
            let line = std::str::from_utf8(line).map_err(|_| fail("not UTF-8"))?.trim();
            if let Some(section) = line.strip_prefix(':') {
                set.sections.push((section.trim().to_string(), Vec::new()));
            } else if !line.is_empty() {
                let words: Vec<String> = line.split_whitespace().take(5).map(str::to_string).collect();
                let question: [String; 4] = words.try_into().map_err(|_| fail("expected four words"))?;
                if set.sections.is_empty() {
                    set.sections.push((String::new(), Vec::new()));
                }
                set.sections.last_mut().into_iter().for_each(|(_, questions)| questions.push(question.clone()));
            }
        }
        if set.questions() == 0 {
            return Err(Error::questions(name, 1, "no questions in the file"));
        }
        Ok(set)
    }

    /// Questions in all sections.
    pub fn questions(&self) -> usize {
        self.sections.iter().map(|(_, questions)| questions.len()).sum()
    }
}

impl WordVectors {
    /// Asks all questions of a set: the answer is the word with the largest cosine, the three words of the question
    /// left out, of equal ones the earlier in the file. A word that is not in the vocabulary as it is written is
    /// looked up in lower case; a question counts only if all four are found.
    ///
    /// `progress` is given the questions that are done and all that are known, and may stop the work; then there is
    /// no report.
    pub fn evaluate(
        &self,
        set: &AnalogySet,
        progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Option<AnalogyReport> {
        let known: Vec<(usize, [usize; 4])> = set
            .sections
            .iter()
            .enumerate()
            .flat_map(|(section, (_, questions))| questions.iter().map(move |question| (section, question)))
            .filter_map(|(section, question)| Some((section, self.find(question)?)))
            .collect();
        let name = |(name, questions): &(String, Vec<_>)| SectionReport {
            name: name.clone(),
            questions: questions.len(),
            ..SectionReport::default()
        };
        let mut sections: Vec<SectionReport> = set.sections.iter().map(name).collect();
        let batch = (SCORES / self.words.len().max(1)).clamp(1, 64);
        for (index, questions) in known.chunks(batch).enumerate() {
            for (&(section, _), place) in questions.iter().zip(self.places(questions)) {
                let report = &mut sections[section];
                report.known += 1;
                report.first += usize::from(place == Some(0));
                report.first_five += usize::from(place.is_some());
            }
            if progress((index * batch + questions.len()).min(known.len()), known.len()).is_break() {
                return None;
            }
        }
        Some(AnalogyReport { total: total(&sections), sections })
    }

    /// The indices of a question's words.
    fn find(&self, question: &[String; 4]) -> Option<[usize; 4]> {
        let index =
            |word: &String| self.words.get_index_of(word).or_else(|| self.words.get_index_of(&word.to_lowercase()));
        let [a, b, c, d] = question;
        Some([index(a)?, index(b)?, index(c)?, index(d)?])
    }

    /// Where among the first few the right word comes, for each question.
    fn places(&self, questions: &[(usize, [usize; 4])]) -> Vec<Option<usize>> {
        let queries: Vec<f32> = questions.iter().flat_map(|&(_, [a, b, c, _])| self.offset([a, b, c])).collect();
        let scores = self.scores(&queries);
        let places: Vec<OnceLock<Option<usize>>> = questions.iter().map(|_| OnceLock::new()).collect();
        self.pool.run(questions.len(), &|at| {
            let (_, [a, b, c, d]) = questions[at];
            let found = top(&scores[at * self.words.len()..][..self.words.len()], &[a, b, c], FEW);
            // Each part sets its own place, once.
            let _ = places[at].set(found.iter().position(|&index| index == d));
        });
        places.into_iter().map(|place| place.into_inner().flatten()).collect()
    }
}

fn total(sections: &[SectionReport]) -> SectionReport {
    let sum = |count: fn(&SectionReport) -> usize| sections.iter().map(count).sum();
    SectionReport {
        name: "all".into(),
        questions: sum(|s| s.questions),
        known: sum(|s| s.known),
        first: sum(|s| s.first),
        first_five: sum(|s| s.first_five),
    }
}
