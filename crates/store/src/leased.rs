//! A store together with the lease under which it is written.

use std::ops::{Deref, DerefMut};

use crate::{Commit, Flush, Lease, Result, Store};

/// A store to work with: every commit names the lease under which it was decided. Who was overtaken
/// meanwhile writes nothing any more ([`StoreError::LostLease`](crate::StoreError::LostLease)).
pub struct Leased {
    store: Box<dyn Store>,
    lease: Lease,
}

impl Leased {
    /// A store with the lease that it was opened with.
    pub fn new(store: Box<dyn Store>) -> Leased {
        let lease = store.lease();
        Leased { store, lease }
    }

    /// Records the result of a batch in one transaction.
    pub fn commit(&mut self, commit: Commit) -> Result<()> {
        self.store.commit(&self.lease, commit)
    }

    /// Like [`Leased::commit`] of something durable, but for the waiting for the disk.
    pub fn commit_unflushed(&mut self, commit: Commit) -> Result<Flush> {
        self.store.commit_unflushed(&self.lease, commit)
    }

    /// Takes the store over, and writes under the new lease from now on.
    pub fn take_over(&mut self) -> Result<Lease> {
        self.lease = self.store.take_over()?;
        Ok(self.lease.clone())
    }
}

impl Deref for Leased {
    type Target = dyn Store;

    fn deref(&self) -> &(dyn Store + 'static) {
        &*self.store
    }
}

impl DerefMut for Leased {
    fn deref_mut(&mut self) -> &mut (dyn Store + 'static) {
        &mut *self.store
    }
}
