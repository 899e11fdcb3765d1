//! The sans-I/O core: a prompt goes in with a time, a verdict comes out.
