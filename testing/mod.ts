/**
 * Equipment that the tests of several members share: `@dip-go/testing/models` has
 * tiny networks, `/operators` small graphs and the gradient check, `/files`
 * crafted files, `/hub` a hub of models, `/runs` experiments of seconds,
 * `/browser` results that try to break a page. No production code imports it.
 *
 * Tests that need a GPU (`gpu/`), damage files (`fuzz/`), read documents
 * (`documents/`) or read the imports of all members (`house/`) are here too.
 */
export {};
