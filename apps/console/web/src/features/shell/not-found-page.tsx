import { EmptyState } from '../../design/notice.js';
import { Link } from '../../navigation/location.js';
import styles from './not-found-page.module.css';

export function NotFoundPage() {
  return (
    <EmptyState icon="search" title="There is no page at this address">
      <Link to="/" className={styles.link}>
        Go to what happens now
      </Link>
    </EmptyState>
  );
}
