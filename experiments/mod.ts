/** TODO experiments */
export {};
