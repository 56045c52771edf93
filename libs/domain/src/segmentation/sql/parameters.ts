/** The values of a query, in the order of their `$n`. Equal values of one type share a place. */
export class Parameters {
  readonly values: unknown[] = [];
  private readonly places = new Map<string, string>();

  text(value: string): string {
    return this.place('text', value);
  }

  texts(values: readonly string[]): string {
    return this.place('text[]', values);
  }

  json(value: unknown): string {
    return this.place('jsonb', JSON.stringify(value));
  }

  integer(value: number): string {
    return this.place('bigint', String(value));
  }

  /** A double, by its shortest decimal form, which reads back as the same double. */
  double(value: number): string {
    return this.place('float8', String(value));
  }

  doubles(values: readonly number[]): string {
    return this.place('float8[]', values.map(String));
  }

  /** Bytes by their hexadecimal digits. */
  bytes(hexadecimal: string): string {
    return this.place('bytea', `\\x${hexadecimal}`);
  }

  /** The decimal number that a double is printed as, exact from there on. */
  decimal(value: number): string {
    return this.place('numeric', String(value));
  }

  private place(type: string, value: unknown): string {
    const key = `${type} ${JSON.stringify(value)}`;
    let place = this.places.get(key);
    if (place === undefined) {
      this.values.push(value);
      place = `$${this.values.length}::${type}`;
      this.places.set(key, place);
    }
    return place;
  }
}
