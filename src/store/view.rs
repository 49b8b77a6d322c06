//! The database as readers see it. Another may take its place while they read.

use std::ops::Deref;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The tree that is read.
pub(super) struct View {
    tree: RwLock<sled::Tree>,
    /// Held while changes are applied.
    gate: RwLock<()>,
}

impl View {
    pub(super) fn new(tree: sled::Tree) -> Self {
        Self { tree: RwLock::new(tree), gate: RwLock::default() }
    }

    /// What is durable: all of a transaction or nothing of it, as long as this is held. Who holds it must not wait for a
    /// transaction.
    pub(super) fn durable(&self) -> Durable<'_> {
        let open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner).clone();
        Durable { tree, _open: open }
    }

    /// Lets nobody look at what is durable, as long as this is held.
    pub(super) fn shut(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets readers see another tree with the same in it, from now on. Who reads the old one goes on with it.
    pub(super) fn replace(&self, tree: sled::Tree) {
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
    }
}

/// See [`View::durable`].
pub(super) struct Durable<'a> {
    tree: sled::Tree,
    _open: RwLockReadGuard<'a, ()>,
}

impl Deref for Durable<'_> {
    type Target = sled::Tree;

    fn deref(&self) -> &sled::Tree {
        &self.tree
    }
}
