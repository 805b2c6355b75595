// Writes GPT-2 encodings for the tokenizer's test, from an implementation independent of ours:
//
//	npm install --ignore-scripts gpt-3-encoder@1.1.4 && NODE_PATH=node_modules node gpt2_vectors.js > gpt2_vectors.json
const { encode, decode } = require("gpt-3-encoder");

const texts = [
  "Hello world", "Hello, world!", " hello", "hello", "the", " the", "The quick brown fox jumps over the lazy dog.",
  "a", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "  two  spaces  ", "trailing ", "line one\nline two\n",
  "I'm", "you're", "they've", "it's", "we'll", "don't", "I'd", "O'Neill", "'tis", "I'M",
  "1", "12", "123", "1234567890", "3.14159", "1,000,000", "2+2=4", "x86_64",
  "http://example.com/a?b=c&d=e", "user@example.com", "#include <stdio.h>", "if (a == b) { return; }", "func main() {\n\tfmt.Println()\n}",
  "antidisestablishmentarianism", "SolidGoldMagikarp", "refrangibility", "<|endoftext|>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "naïve café", "Ünïcödé", "Привет, мир", "你好，世界", "こんにちは", "한국어", "مرحبا", "שלום", "👋", "👩‍👩‍👧‍👦", "½ ² ①", "e\u0301", "\u00a0nbsp", "–—…“”", "\u200b", "\u0000\u0001", "\u007f", "a \u007f!", "\n\n\u007f b", "\u0000\u007f",
  "Ask the weather-glass; the glass had fallen.",
];
const rows = texts.map((text) => {
  const ids = encode(text);
  if (decode(ids) !== text) throw new Error("round trip: " + JSON.stringify(text));
  return JSON.stringify({ text, ids });
});
process.stdout.write("[\n" + rows.join(",\n") + "\n]\n");
