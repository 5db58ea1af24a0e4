/** TODO supernet */
export {};
