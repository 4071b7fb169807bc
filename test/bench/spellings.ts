/**
 * Client ids that are one for the token service, as upper and lower case are the same there, and new ones for a plugin
 * that keeps what it knows by the id as it was written.
 */
export function* spellingsOf(clientId: string): Generator<string, never> {
  for (let count = 1; ; count += 1) {
    let bits = count;
    yield clientId.replaceAll(/[a-z]/gi, (letter) => {
      const raised = bits % 2 === 1;
      bits = Math.floor(bits / 2);
      return raised ? letter.toUpperCase() : letter;
    });
  }
}
