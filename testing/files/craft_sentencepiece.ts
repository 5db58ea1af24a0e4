/** For tests: writes a SentencePiece model byte by byte, in the wire format of protocol buffers. */

/** A piece, its log probability, and its type: 1 normal, 2 unknown, 3 control. */
export type Piece = readonly [piece: string, score: number, type: number];

const text = new TextEncoder();

/** A field's tag, length and content, whose length is below 2^14. */
function field(id: number, content: readonly number[]): number[] {
  const { length } = content;
  const size = length < 128 ? [length] : [length & 127 | 128, length >> 7];
  return [id << 3 | 2, ...size, ...content];
}

function pieceBytes([piece, score, type]: Piece): number[] {
  const bits = [...new Uint8Array(Float32Array.of(score).buffer)];
  return [...field(1, [...text.encode(piece)]), 2 << 3 | 5, ...bits, 24, type];
}

/** `spiece.model` with the given pieces; `modelType` is 1 for unigrams, 2 for byte pairs. */
export function craftSentencePiece(
  pieces: readonly Piece[],
  { modelType = 1 }: { modelType?: number } = {},
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...pieces.flatMap((piece) => field(1, pieceBytes(piece))),
    ...field(2, [24, modelType]),
  ]);
}
