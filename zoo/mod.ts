/**
 * The embedded models, in diffusers layout below `models/`: `dit-shapes` draws
 * one coloured shape of a class, `sd-shapes` and `mmdit-shapes` a scene that a
 * prompt describes. Each is small enough to be trained here and kept in the
 * repository, so that every experiment and test runs without a download.
 *
 * The code that makes them is in `@dip-go/zoo/data` (pictures and captions),
 * `/training` (the loop), `/class_to_image` and `/text_to_image` (the
 * generators) and `/classifiers` (networks that judge the drawn pictures).
 */
export {};
