//! Trees of blocks: files, directories and archives as IPFS has them.
