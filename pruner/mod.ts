/** TODO pruner */
export {};
