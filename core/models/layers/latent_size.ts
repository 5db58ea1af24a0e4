/** Height and width of latents: free in most networks, whatever their configuration says. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}
