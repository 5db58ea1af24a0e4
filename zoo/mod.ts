/** TODO zoo */
export {};
