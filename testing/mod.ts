/** TODO testing */
export {};
