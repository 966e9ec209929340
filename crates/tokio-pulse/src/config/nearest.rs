//! "Did you mean": the known name that a typo comes closest to.

/// Names that differ in more than this share of their letters are other names, not typos.
const LETTERS_PER_TYPO: usize = 3;

/// The closest of `known`, unless none is close.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().collect();
    known
        .into_iter()
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, candidate)| *distance * LETTERS_PER_TYPO <= candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, delete, replace, or swap with their neighbour: Levenshtein's
/// distance, with swaps as one typo.
fn distance(from: &[char], to: &str) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=from.len()).collect();
    let mut last = None;
    for (line, wanted) in to.chars().enumerate() {
        let mut row = vec![line + 1];
        for (column, found) in from.iter().enumerate() {
            let replaced = above[column] + usize::from(*found != wanted);
            let mut least = replaced.min(above[column + 1] + 1).min(row[column] + 1);
            if column > 0 && last == Some(*found) && from[column - 1] == wanted {
                least = least.min(before[column - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
        last = Some(wanted);
    }
    above[from.len()]
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_finds_none() {
        let known = ["slice", "profile", "suspects.limit"];
        assert_eq!(nearest("slise", known), Some("slice"));
        assert_eq!(nearest("profil", known), Some("profile"));
        assert_eq!(nearest("suspect.limits", known), Some("suspects.limit"));
        assert_eq!(nearest("silce", known), Some("slice"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn the_distance_counts_single_letters() {
        let count = |from: &str, to| distance(&from.chars().collect::<Vec<_>>(), to);
        assert_eq!(count("kitten", "sitting"), 3);
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("abc", ""), 3);
        assert_eq!(count("nmae", "name"), 1);
        assert_eq!(count("abc", "abc"), 0);
    }
}
