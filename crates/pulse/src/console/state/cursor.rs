//! Which row of a list is selected.

/// Stays with its row when others come, go or change places.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<K> {
    at: usize,
    keys: Vec<K>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { at: 0, keys: Vec::new() }
    }
}

impl<K: PartialEq> Cursor<K> {
    /// The number of the row, 0 if there is none.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn selected(&self) -> Option<&K> {
        self.keys.get(self.at)
    }

    /// The list has other rows now.
    pub(crate) fn settle(&mut self, keys: impl Iterator<Item = K>) {
        let keys: Vec<K> = keys.collect();
        let again = self.selected().and_then(|key| keys.iter().position(|other| other == key));
        self.at = again.unwrap_or_else(|| self.at.min(keys.len().saturating_sub(1)));
        self.keys = keys;
    }

    /// Up if it is negative.
    pub(crate) fn step(&mut self, by: isize) {
        let last = self.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_with_its_row() {
        let mut cursor = Cursor::default();
        cursor.settle("abc".chars());
        cursor.step(1);
        cursor.settle("xaybz".chars());
        assert_eq!((cursor.at(), cursor.selected()), (3, Some(&'b')));
        cursor.settle("pq".chars());
        assert_eq!(cursor.selected(), Some(&'q'), "the row has gone");
        cursor.step(isize::MIN);
        assert_eq!(cursor.at(), 0);
        cursor.step(isize::MAX);
        assert_eq!(cursor.at(), 1);
        cursor.settle("".chars());
        assert_eq!((cursor.at(), cursor.selected()), (0, None));
    }
}
