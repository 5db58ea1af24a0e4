/**
 * Equipment that tests of several members share: `@dip-go/testing/models` has
 * tiny networks, `/operators` small graphs and the gradient check, `/files`
 * crafted files, `/runs` experiments of seconds, `/browser` a browser. No
 * production code imports it.
 *
 * Tests that need a GPU (`gpu/`), damage files (`fuzz/`), read documents
 * (`documents/`) or the imports of all others (`house/`) are here too.
 */
export {};
