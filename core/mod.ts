/** TODO core */
export {};
