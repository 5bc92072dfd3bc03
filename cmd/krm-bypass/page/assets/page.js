// All of the page works without this file. It only swaps in what the server renders.
